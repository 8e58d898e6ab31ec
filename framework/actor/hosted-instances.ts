/**
 * The instances that one worker hosts.
 *
 * Owns which incarnations live here, failed ones too until they are reassigned.
 *
 * R8. A log that has lost something has lost it for every incarnation that lives here, and for each that comes: what it says into that log would not be sent.
 * W2. For each instance at most one incarnation lives here, the one with the highest epoch read.
 */
import type { Plan } from "../plan/plan.ts";
import { StreamError } from "../errors.ts";
import { instanceKey, type AssignmentView } from "../protocol/job-log.ts";
import type { InstanceId } from "../record/messages.ts";
import type { InstanceHost, Reporter } from "./host.ts";
import { Instance } from "./instance.ts";
import { CellInstance, type CellInstanceWorld } from "./cell-instance.ts";
import type { CellOrder, StartCell } from "./cell-contract.ts";

const endPhases: ReadonlySet<string> = new Set(["released", "failed", "fenced"]);

/** What the worker gives to its instances, and what it wants to know. */
export interface Hosting extends Omit<CellInstanceWorld, "startCell" | "onUnusable"> {
  /** @default those on probation are hosted like any other: nothing can be found out here */
  readonly startCell: StartCell | undefined;
  /** Instances of stages that ask for threads are hosted in threads. */
  readonly usesThreads: boolean;
  /** Of the worker. */
  readonly id: string;
  readonly plan: Plan;
  /** Asked for each incarnation. */
  host(): InstanceHost;
  /** An incarnation does not live here any more. */
  onRetired(key: string, instance: Instance): void;
}

/** Something said to one incarnation. */
interface Addressed {
  readonly instance: InstanceId;
  readonly epoch: number;
}

/** Instances by their keys. */
export class HostedInstances {
  readonly #hosting: Hosting;
  readonly #byKey = new Map<string, Instance>();
  /** The program cannot be run in a thread. */
  #isUnusable = false;
  /** The worker goes: what comes back from a thread only now goes at once. */
  #isReleasing = false;
  /** What a log has lost that a lane of this worker leads into. */
  #loss: StreamError | undefined;
  /** Id of the open savepoint. */
  #savepoint: number | undefined;
  /** Those that live in a thread: on probation (R15), or because their stage asks for it. */
  readonly #apart = new Map<string, CellInstance>();

  constructor(hosting: Hosting) {
    this.#hosting = hosting;
  }

  get byKey(): ReadonlyMap<string, Instance> {
    return this.#byKey;
  }

  get all(): readonly Instance[] {
    return [...this.#byKey.values()];
  }

  get size(): number {
    return this.#byKey.size + this.#apart.size;
  }

  /** Whoever has something to report here; a thread that lives reports for itself. */
  get reporters(): readonly Reporter[] {
    return [...this.#byKey.values(), ...[...this.#apart.values()].filter(({ hasNews }) => hasNews)];
  }

  /** Epochs of those that have replayed everything that lay before them. */
  get settled(): readonly number[] {
    return this.all.filter(({ hasSettled }) => hasSettled).map(({ epoch }) => epoch);
  }

  /** How many have neither let go nor failed. */
  get atWork(): number {
    return [...this.all, ...this.#apart.values()].filter(({ phase }) => !endPhases.has(phase)).length;
  }

  /** What the job log says of an instance: whose it is from which epoch on. */
  obey(id: InstanceId, assigned: Pick<AssignmentView, "worker" | "epoch" | "suspicion">): void {
    const key = instanceKey(id);
    const { worker, epoch, suspicion } = assigned;
    const hosted = this.#byKey.get(key) ?? this.#apart.get(key);
    if (hosted !== undefined && hosted.epoch >= epoch) return;
    this.#retire(key, epoch);
    const stage = this.#hosting.plan.stages[id.stage];
    if (worker !== this.#hosting.id || stage === undefined) return;
    const startCell = this.#isUnusable ? undefined : this.#hosting.startCell;
    const isOnProbation = suspicion?.isOnProbation === true;
    if (startCell !== undefined && (isOnProbation || (this.#hosting.usesThreads && stage.threads !== undefined)))
      return this.#hostApart(key, startCell, { instance: id, epoch, worker, isOnProbation, site: suspicion?.site });
    this.#hostHere(key, new Instance(this.#hosting.host(), id, stage, epoch));
  }

  #hostHere(key: string, instance: Instance): void {
    this.#byKey.set(key, instance);
    instance.start();
    if (this.#loss !== undefined) instance.fail(this.#loss);
    else if (this.#isReleasing) instance.release();
  }

  #retire(key: string, epoch: number): void {
    const hosted = this.#byKey.get(key);
    this.#apart.get(key)?.fail(new StreamError("FENCED", `epoch ${epoch} has been assigned`));
    this.#apart.delete(key);
    if (hosted === undefined) return;
    hosted.supersede(epoch);
    this.#hosting.onRetired(key, hosted);
    this.#byKey.delete(key);
  }

  #hostApart(key: string, startCell: StartCell, order: CellOrder): void {
    const onUnusable = (reason: string) => this.#takeBack(key, order, reason);
    const apart = new CellInstance({ ...this.#hosting, startCell, onUnusable }, order);
    this.#apart.set(key, apart);
    apart.start();
    if (this.#loss !== undefined) apart.fail(this.#loss);
    else if (this.#isReleasing) apart.release();
  }

  /** The program cannot be run in a thread (it exports no job, say): nothing is found out here, and the job goes on all the same. */
  #takeBack(key: string, { instance: id, epoch }: CellOrder, reason: string): void {
    this.#isUnusable = true;
    this.#apart.delete(key);
    const stage = this.#hosting.plan.stages[id.stage];
    if (stage === undefined) return;
    const host = this.#hosting.host();
    const what =
      "the program cannot be run in a thread: instances on probation, and of stages with threads, are hosted like any other here";
    host.platform.logger.log("warn", what, { reason });
    this.#hostHere(key, new Instance(host, id, stage, epoch));
  }

  /** Calls `action` for each incarnation that is addressed and lives here. */
  addressed<A extends Addressed>(said: readonly A[], action: (instance: Instance, one: A) => void): void {
    for (const one of said) {
      const hosted = this.#byKey.get(instanceKey(one.instance));
      if (hosted?.epoch === one.epoch) action(hosted, one);
    }
  }

  /** The sources end where they are. */
  endInput(): void {
    for (const instance of this.#byKey.values()) if (instance.stage.source !== undefined) instance.endInput();
  }

  /** The job log has been read further: what is open of savepoints (R17). */
  heed(savepoint: number | undefined): void {
    // One may be frozen by a savepoint that began and ended between two looks at the job log (F1).
    if (this.#savepoint === savepoint && this.all.every(({ phase }) => phase !== "frozen")) return;
    this.#savepoint = savepoint;
    this.wake();
  }

  wake(): void {
    for (const instance of this.#byKey.values()) instance.wake();
  }

  release(): void {
    this.#isReleasing = true;
    for (const instance of [...this.#byKey.values(), ...this.#apart.values()]) instance.release();
  }

  /** A log has lost what it had acknowledged to a lane of this worker. */
  lose(error: StreamError): void {
    this.#loss ??= error;
    this.fail(error);
  }

  fail(error: unknown): void {
    for (const instance of [...this.#byKey.values(), ...this.#apart.values()]) instance.fail(error);
  }
}
