/**
 * O4, at its root (R16): nobody calls himself idle while his split has something for him, or while what he has read is not in the logs.
 *
 * Owns what each instance of a source has said, by id, and compares it with the script of its split when an idle report begins. A process that stands still, is
 * slow, is not heard or has a clock of its own may be behind with what it says: from the first such fault on nothing is judged.
 */
import type { JobNames } from "../../log/names.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Clock } from "../../platform/platform.ts";
import { instanceKey } from "../../protocol/job-log.ts";
import type { InboxMessage } from "../../record/frame.ts";
import type { Report } from "../../record/messages.ts";
import { decodeReportBatch } from "../../record/wire/report.ts";
import type { SimulatedRecord, SplitScript, Violation } from "./contract.ts";
import type { Dice, FaultKind } from "./faults.ts";

/** From the last look at a split to the report, ms. */
const reportMsMax = 50;
const delaying: readonly FaultKind[] = ["pauseWorker", "pauseLeader", "slowWorker", "busCut", "linkDown", "clockDrift"];
/** An idle timeout above this is longer than any pause of a script, ms. */
const pauseMsMax = 10_000;

/** The world that is looked at. */
export interface IdleWorld {
  readonly plan: Plan;
  readonly names: JobNames;
  readonly clock: Clock;
  readonly dice: Dice;
  /** The splits of a source stage, by their indexes; undefined: it is no source of a script. */
  scriptsOf(stage: number): readonly SplitScript[] | undefined;
}

interface Said {
  readonly ids: Set<number>;
  epoch: number;
  isIdle: boolean;
}

/** Watches reports and inboxes. */
export class IdleOracle {
  readonly violations: Violation[] = [];
  readonly #world: IdleWorld;
  /** Source stages whose splits can become idle. */
  readonly #stages: ReadonlySet<number>;
  readonly #said = new Map<string, Said>();

  constructor(world: IdleWorld) {
    this.#world = world;
    const ofInterest = world.plan.stages.filter(
      ({ idleTimeoutMs, source }) => source !== undefined && idleTimeoutMs <= pauseMsMax,
    );
    this.#stages = new Set(ofInterest.map(({ index }) => index));
  }

  /** The generation goes on from a savepoint of another one: what has been said there is not said again. */
  inherit(before: IdleOracle): void {
    for (const [key, { ids }] of before.#said) for (const id of ids) this.#of(key).ids.add(id);
  }

  /** Something has been said over the Bus, whether anybody hears it or not. */
  onPublished(subject: string, payload: Uint8Array): void {
    if (this.#stages.size === 0 || subject !== this.#world.names.reportsSubject) return;
    for (const report of decodeReportBatch(payload).reports)
      if (this.#stages.has(report.instance.stage)) this.#report(report);
  }

  /** A message has been stored in an inbox. */
  onStored(message: InboxMessage): void {
    if (this.#stages.size === 0 || message.kind !== "frame") return;
    for (const section of message.sections) {
      const edge = this.#world.plan.edges[section.edge];
      if (edge === undefined || !this.#stages.has(edge.from)) continue;
      const { ids } = this.#of(instanceKey({ stage: edge.from, partition: section.from }));
      for (const value of section.decode(edge.codec).values) ids.add((value as SimulatedRecord).id);
    }
  }

  #report({ instance, epoch, activity }: Report): void {
    const said = this.#of(instanceKey(instance));
    if (epoch < said.epoch) return;
    const wasIdle = epoch === said.epoch && said.isIdle;
    Object.assign(said, { epoch, isIdle: activity === "idle" });
    if (said.isIdle && !wasIdle) this.#judge(instance, said);
  }

  #judge(instance: Report["instance"], { ids, epoch }: Said): void {
    const { clock, dice, plan } = this.#world;
    if (delaying.some((kind) => (dice.counts[kind] ?? 0) > 0) || this.violations.length > 0) return;
    const untilMs = clock.monotonicMs() - reportMsMax;
    const records = this.#world.scriptsOf(instance.stage)?.[instance.partition]?.records ?? [];
    const waiting = records.find(({ availableMs, record }) => availableMs <= untilMs && !ids.has(record.id));
    if (waiting === undefined) return;
    const who = `${plan.stages[instance.stage]?.name}/${instance.partition} of epoch ${epoch}`;
    const what = `${who} says that it is idle, and record ${waiting.record.id} has been there since ${waiting.availableMs}`;
    this.violations.push({ oracle: "O4", what: `${what}, at ${clock.monotonicMs()}, and is in no inbox` });
  }

  #of(key: string): Said {
    const said = this.#said.get(key) ?? { ids: new Set<number>(), epoch: 0, isIdle: false };
    this.#said.set(key, said);
    return said;
  }
}
