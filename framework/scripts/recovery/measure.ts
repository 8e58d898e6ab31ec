/**
 * One fault, measured: from a job in which nothing moves, over the fault, to a job in which nothing moves again.
 *
 * Owns the moment of the fault and what is made of the results around it (the definitions are in `recovery.ts`).
 */
import { pause, until, wallMs, type Cluster, type Line } from "./cluster.ts";
import { reshape, type Fault, type Victim } from "./faults.ts";

/** How one instance came to work again, ms from the fault on where not said otherwise. */
export interface Recovery {
  readonly instance: string;
  /** The leader has decided. */
  readonly assignedMs: number;
  /** Its worker has read so. */
  readonly begunMs: number;
  /** Lengths. */
  readonly claimMs: number;
  readonly restoreMs: number;
  readonly replayMs: number;
  /** Positions read again. */
  readonly replayed: number;
  /** It has read everything that was there. */
  readonly upMs: number;
}

/** What one fault came to. Per key and result, ms. */
export interface Measured {
  /** Keys of instances that were started anew elsewhere or again: how late, at most, each was. */
  readonly victims: readonly number[];
  /** All other keys: how late each result was. */
  readonly others: readonly number[];
  /** The same before the fault. */
  readonly calm: readonly number[];
  /** Between two results of a key: of all others, and before the fault. */
  readonly otherGaps: readonly number[];
  readonly calmGaps: readonly number[];
  /** Delays before the fault: from the end of the window, and from its being passed at the source. */
  readonly calmDelays: readonly number[];
  readonly calmResults: readonly number[];
  readonly recoveries: readonly Recovery[];
  /** A new leader led, ms from the fault. */
  readonly ledMs: number | undefined;
}

/** The fault comes this long before the end of a window. */
const leadMsMin = 2;
const leadMsMax = 20;

/** Remembers how long it takes from a cause to its effect, so that the effect, not the cause, meets the end of a window. */
export class Aim {
  readonly #seen: number[] = [];

  get delayMs(): number {
    return this.#seen.toSorted((a, b) => a - b)[Math.floor(this.#seen.length / 2)] ?? 0;
  }

  learn(delayMs: number): void {
    this.#seen.push(delayMs);
  }
}

/** Inflicts `fault` once. Answers undefined when nobody fits. */
export async function measureFault(
  cluster: Cluster,
  fault: Fault,
  round: number,
  aim: Aim,
): Promise<Measured | undefined> {
  const { windowMs } = cluster.shape;
  const usual = cluster.workers.length;
  const status = await cluster.steady();
  const victim = await fault.choose(cluster, status, round);
  if (victim === undefined) {
    await reshape(cluster, status);
    return undefined;
  }
  const firstEndMs = cluster.windowEndAfter(wallMs() + windowMs / 2 + aim.delayMs + leadMsMax);
  await until(firstEndMs - aim.delayMs - leadMsMin - Math.random() * (leadMsMax - leadMsMin));
  const linesBefore = cluster.lines.length;
  const faultMs = wallMs();
  fault.inflict(cluster, victim);
  // Whatever it takes, the victim's instances are counted as working before the fault is known: the next look is after it.
  await pause(leadMsMax);
  await cluster.steady(usual + fault.workers);
  const lastEndMs = Math.max(firstEndMs, cluster.windowEndAfter(wallMs()) - 2 * windowMs);
  for (let endMs = firstEndMs; endMs <= lastEndMs; endMs += windowMs) await cluster.whole(endMs - windowMs);
  const measured = evaluate(cluster, { faultMs, firstEndMs, lastEndMs, lines: cluster.lines.slice(linesBefore) });
  learn(aim, fault, measured);
  await fault.heal(cluster, victim);
  await settleNumber(cluster, fault, victim);
  return measured;
}

/** Waits until a worker that was asked to go after the measurement has gone. */
async function settleNumber(_cluster: Cluster, fault: Fault, victim: Victim): Promise<void> {
  if (fault.workers === 1) await victim.process.ended;
}

function learn(aim: Aim, fault: Fault, { recoveries }: Measured): void {
  // A worker that joins takes a while until the first instance moves to it.
  if (fault.workers === 1 && recoveries.length > 0)
    aim.learn(Math.min(...recoveries.map(({ assignedMs }) => assignedMs)));
}

/** From the fault to where nothing moves any more. */
export interface Span {
  readonly faultMs: number;
  readonly firstEndMs: number;
  readonly lastEndMs: number;
  readonly lines: readonly Line[];
}

/** What came of the results from the fault on. */
export function evaluate(cluster: Cluster, { faultMs, firstEndMs, lastEndMs, lines }: Span): Measured {
  const { ledger, shape } = cluster;
  const { windowMs } = shape;
  const recoveries = recoveriesOf(lines, faultMs);
  const down = new Set(recoveries.map(({ instance }) => instance));
  const before = delaysOf(cluster, firstEndMs - 2 * windowMs);
  const calm = delaysOf(cluster, firstEndMs - windowMs);
  const { calmDelays, calmResults } = calmOf(cluster, firstEndMs - windowMs);
  const usualMs = median(calmDelays);
  const victims = new Map<number, number>();
  const others: number[] = [];
  const otherGaps: number[] = [];
  let last = calm;
  for (let endMs = firstEndMs; endMs <= lastEndMs; endMs += windowMs) {
    for (const { key, partition, delayMs } of ledger.arrivals(endMs - windowMs)) {
      const lateMs = delayMs - usualMs;
      if (down.has(`windows/${partition}`)) victims.set(key, Math.max(lateMs, victims.get(key) ?? -Infinity));
      else {
        others.push(lateMs);
        const delayBefore = last.get(key);
        if (delayBefore !== undefined) otherGaps.push(windowMs + delayMs - delayBefore);
      }
    }
    last = delaysOf(cluster, endMs);
  }
  const led = lines.find(({ message }) => message === "leading");
  return {
    victims: [...victims.values()],
    others,
    calm: calmDelays.map((delayMs) => delayMs - usualMs),
    otherGaps,
    calmGaps: [...calm].flatMap(([key, delayMs]) => {
      const delayBefore = before.get(key);
      return delayBefore === undefined ? [] : [windowMs + delayMs - delayBefore];
    }),
    calmDelays,
    calmResults,
    recoveries,
    ledMs: led === undefined ? undefined : led.atMs - faultMs,
  };
}

/** Delays of the results of the window that ends at `endMs`: from its end, and from its being passed at the source, as far as that is known. */
export function calmOf(cluster: Cluster, endMs: number): Pick<Measured, "calmDelays" | "calmResults"> {
  const calmDelays = [...delaysOf(cluster, endMs).values()];
  const passedMs = cluster.ledger.passedMs(endMs - cluster.shape.windowMs);
  return { calmDelays, calmResults: passedMs === undefined ? [] : calmDelays.map((delayMs) => delayMs - passedMs) };
}

/** Delay by key of the window that ends at `endMs`. */
function delaysOf({ ledger, shape }: Cluster, endMs: number): Map<number, number> {
  return new Map(ledger.arrivals(endMs - shape.windowMs).map(({ key, delayMs }) => [key, delayMs]));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function recoveriesOf(lines: readonly Line[], faultMs: number): Recovery[] {
  const assigned = new Map<string, number>();
  const recoveries = new Map<string, Recovery>();
  for (const { atMs, message, fields } of lines) {
    const instance = String(fields["instance"]);
    if (message === "instance is assigned") assigned.set(instance, atMs);
    if (message !== "instance has caught up") continue;
    const [claimMs = 0, restoreMs = 0, replayMs = 0] = ["claimMs", "restoreMs", "replayMs"].map((name) =>
      Number(fields[name]),
    );
    recoveries.set(instance, {
      instance,
      assignedMs: (assigned.get(instance) ?? Number.NaN) - faultMs,
      begunMs: atMs - claimMs - restoreMs - replayMs - faultMs,
      claimMs,
      restoreMs,
      replayMs,
      replayed: Number(fields["replayed"]),
      upMs: atMs - faultMs,
    });
  }
  return [...recoveries.values()];
}
