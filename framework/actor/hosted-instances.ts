/**
 * The instances that one worker hosts.
 *
 * Owns which incarnations live here, failed ones too until they are reassigned.
 *
 * W2. For each instance at most one incarnation lives here, the one with the highest epoch read.
 */
import type { Plan } from "../plan/plan.ts";
import { instanceKey } from "../protocol/job-log.ts";
import type { InstanceId, ReportAnswer } from "../record/messages.ts";
import type { InstanceHost } from "./host.ts";
import { Instance } from "./instance.ts";

const endPhases: ReadonlySet<string> = new Set(["released", "failed", "fenced"]);

/** What the worker gives to its instances, and what it wants to know. */
export interface Hosting {
  /** Of the worker. */
  readonly id: string;
  readonly plan: Plan;
  /** Asked for each incarnation. */
  host(): InstanceHost;
  /** An incarnation does not live here any more. */
  onRetired(key: string, instance: Instance): void;
}

/** Instances by their keys. */
export class HostedInstances {
  readonly #hosting: Hosting;
  readonly #byKey = new Map<string, Instance>();

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
    return this.#byKey.size;
  }

  /** Whether none of them works any more. */
  get haveEnded(): boolean {
    return this.all.every(({ phase }) => endPhases.has(phase));
  }

  /** The job log says that the instance belongs to `worker` from `epoch` on. */
  obey(id: InstanceId, worker: string, epoch: number): void {
    const key = instanceKey(id);
    const hosted = this.#byKey.get(key);
    if (hosted !== undefined && hosted.epoch >= epoch) return;
    if (hosted !== undefined) {
      hosted.supersede(epoch);
      this.#hosting.onRetired(key, hosted);
      this.#byKey.delete(key);
    }
    const stage = this.#hosting.plan.stages[id.stage];
    if (worker !== this.#hosting.id || stage === undefined) return;
    const instance = new Instance(this.#hosting.host(), id, stage, epoch);
    this.#byKey.set(key, instance);
    instance.start();
  }

  /** Calls `action` for each incarnation that is addressed and lives here. */
  addressed(answers: ReportAnswer["answers"], action: (instance: Instance, n: number) => void): void {
    for (const { instance, epoch, n } of answers) {
      const hosted = this.#byKey.get(instanceKey(instance));
      if (hosted?.epoch === epoch) action(hosted, n);
    }
  }

  /** The sources end where they are. */
  endInput(): void {
    for (const instance of this.#byKey.values()) if (instance.stage.source !== undefined) instance.endInput();
  }

  wake(): void {
    for (const instance of this.#byKey.values()) instance.wake();
  }

  release(): void {
    for (const instance of this.#byKey.values()) instance.release();
  }

  fail(error: unknown): void {
    for (const instance of this.#byKey.values()) instance.fail(error);
  }
}
