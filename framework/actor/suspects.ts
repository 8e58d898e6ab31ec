/**
 * Who is suspected of having ended its worker, for one leader epoch (R15).
 *
 * Owns the looks at the suspect registers of workers that have died; what follows is decided by `protocol/skip.ts`, and counts when it is in the job log.
 */
import type { Registers } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { Platform } from "../platform/platform.ts";
import type { JobLogView } from "../protocol/job-log.ts";
import { decideAfterDeath, hasStood, type DeathDecision } from "../protocol/skip.ts";
import type { InstanceId } from "../record/messages.ts";
import type { CrashSite, Suspect, Suspicion } from "../record/poison.ts";
import { decodeSuspect } from "../record/wire/poison.ts";
import { patiently } from "./patience.ts";
import { SettledRegister } from "./settled-register.ts";
import type { Witness } from "./witness.ts";

/** What suspicion is founded on. */
export interface SuspectsWorld {
  readonly platform: Platform;
  readonly registers: Registers;
  readonly names: JobNames;
  readonly view: JobLogView;
  readonly witness: Witness;
  readonly crashesMax: number;
  /** A register has been read: what waited for it can be decided. */
  onFound(): void;
  isSource(instance: InstanceId): boolean;
}

/** What a death has come to, and where the instance was if it was its own turn. */
export interface Bereavement {
  readonly decision: DeathDecision;
  readonly site: CrashSite | undefined;
}

/** The suspects of one leader epoch. */
export class Suspects {
  readonly #world: SuspectsWorld;
  /** By worker that has died; `asked` until its register has been read. */
  readonly #found = new Map<string, Suspect | "asked" | "nobody">();

  readonly #settled: SettledRegister;
  /** What the leader before had kept is known to the witness. */
  readonly #recalled: Promise<void>;

  constructor(world: SuspectsWorld) {
    const { platform, registers, names, witness } = world;
    this.#world = world;
    this.#settled = new SettledRegister(platform, registers, names.settled);
    this.#recalled = this.#settled.recall().then((epochs) => witness.announced(epochs));
  }

  /** The epoch is over: says nothing more. */
  close(): void {
    this.#settled.close();
  }

  /** Keeps for the next leader who has settled; called now and then. */
  keep(): void {
    const epochs: number[] = [];
    for (const { instance, epoch } of this.#world.view.assignments())
      if (this.#hasProgressed(instance)) epochs.push(epoch);
    void this.#settled.keep(epochs);
  }

  /** The worker that hosted the instance is gone. Undefined while it is being found out in whose turn; `onFound` follows. */
  bereaved(instance: InstanceId, worker: string): Bereavement | undefined {
    const found = this.#found.get(worker);
    if (found === undefined) this.#ask(worker);
    if (found === undefined || found === "asked") return undefined;
    const assignment = this.#world.view.assignment(instance);
    const isOwn = found !== "nobody" && isSame(found.instance, instance) && found.epoch === assignment?.epoch;
    const site = isOwn ? found.site : undefined;
    const isAcquitted = found !== "nobody" && found.isCertain && !isOwn;
    return { site, decision: this.#decide(instance, site, isAcquitted) };
  }

  /** The thread of an instance on probation has died in a turn. */
  died(instance: InstanceId, site: CrashSite): Bereavement {
    return { site, decision: this.#decide(instance, site, false) };
  }

  /** What an assignment for another reason goes on holding against the instance. */
  carried(instance: InstanceId): Suspicion | undefined {
    const suspicion = this.#world.view.assignment(instance)?.suspicion;
    return suspicion === undefined ? undefined : { ...suspicion, skip: undefined };
  }

  /** Whether the instance has stood its probation; false for one that is not on probation. */
  hasStood(instance: InstanceId): boolean {
    const { view, witness } = this.#world;
    const { suspicion, epoch = 0 } = view.assignment(instance) ?? {};
    if (suspicion?.isOnProbation !== true) return false;
    const snapshot = witness.snapshot(instance, epoch);
    return hasStood({ suspicion, snapshot, hasProgressed: this.#hasProgressed(instance) });
  }

  #decide(instance: InstanceId, site: CrashSite | undefined, isAcquitted: boolean): DeathDecision {
    const { view, crashesMax } = this.#world;
    const before = view.assignment(instance)?.suspicion;
    return decideAfterDeath({ before, site, isAcquitted, hasProgressed: this.#hasProgressed(instance), crashesMax });
  }

  #hasProgressed(instance: InstanceId): boolean {
    const { view, witness } = this.#world;
    const isSource = this.#world.isSource(instance);
    return witness.hasProgressed(instance, view.assignment(instance)?.epoch ?? 0, isSource);
  }

  #ask(worker: string): void {
    this.#found.set(worker, "asked");
    const { platform, registers, names } = this.#world;
    const key = names.suspect(worker);
    const told = (suspect: Suspect | "nobody") => {
      this.#found.set(worker, suspect);
      this.#world.onFound();
    };
    const asked = patiently(platform, key, () => registers.get(key));
    Promise.all([asked, this.#recalled]).then(
      ([found]) => told(found === undefined ? "nobody" : accused(decodeSuspect(found.value))),
      // What cannot be read accuses nobody.
      () => told("nobody"),
    );
  }
}

/** A register that was written when a turn was over says so by a sequence of 0. */
function accused(suspect: Suspect): Suspect | "nobody" {
  return suspect.site.sequence === 0 ? "nobody" : suspect;
}

function isSame(one: InstanceId, other: InstanceId): boolean {
  return one.stage === other.stage && one.partition === other.partition;
}
