/**
 * The warm-up of a worker that joins a job at work: it rehearses one instance of each stage before it says that it may be given any.
 *
 * Owns whether it is under way, and which instances are rehearsed. Whoever is given an instance all the same, because there is nobody else, is warm enough.
 *
 * WU1. It ends: after a while at the latest, whatever becomes of the rehearsals.
 * WU2. What somebody else's process has died of is not rehearsed (R15): neither what is on probation, nor what has steps that are skipped.
 */
import { messageOf } from "../errors.ts";
import type { Stage } from "../plan/plan.ts";
import { type AssignmentView, instanceKey, type JobLogView } from "../protocol/job-log.ts";
import type { InstanceId } from "../record/messages.ts";
import type { InstanceHost } from "./host.ts";
import { rehearse } from "./rehearsal.ts";

/** WU1, ms. */
const warmingMsMax = 10_000;
/** A rehearsal may find its snapshots replaced meanwhile: then it begins anew. */
const triesMax = 3;

/** The warm-up of one worker. */
export class WarmUp {
  readonly #onOver: () => void;
  #isUnderWay = false;

  /** `onOver` is called once, when it has come to its end by itself. */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** The worker is not to be given anything yet. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Called once, when the worker has joined. */
  begin(host: InstanceHost, view: JobLogView): void {
    const chosen = [...chosenOf(host.plan.stages, view)];
    if (chosen.length === 0) return;
    this.#isUnderWay = true;
    const { clock } = host.platform;
    clock.schedule(warmingMsMax, () => this.end(), { background: true });
    void this.#run(host, chosen);
  }

  /** It is of no use any more. */
  end(): void {
    if (!this.#isUnderWay) return;
    this.#isUnderWay = false;
    this.#onOver();
  }

  /** The worker goes: nobody is told. */
  close(): void {
    this.#isUnderWay = false;
  }

  async #run(host: InstanceHost, chosen: readonly Chosen[]): Promise<void> {
    const { clock, logger } = host.platform;
    const sinceMs = clock.monotonicMs();
    let messages = 0;
    for (const each of chosen) messages += await this.#rehearse(host, each);
    if (!this.#isUnderWay) return;
    logger.log("info", "warmed up", { messages, tookMs: Math.round(clock.monotonicMs() - sinceMs) });
    this.end();
  }

  async #rehearse(host: InstanceHost, { id, stage }: Chosen): Promise<number> {
    for (let tries = 0; tries < triesMax && this.#isUnderWay; tries += 1) {
      try {
        return await rehearse({ host, id, stage, isOver: () => !this.#isUnderWay });
      } catch (error) {
        const fields = { instance: `${stage.name}/${id.partition}`, reason: messageOf(error) };
        host.platform.logger.log("debug", "a rehearsal has come to nothing", fields);
      }
    }
    return 0;
  }
}

/** An instance to rehearse. */
interface Chosen {
  readonly id: InstanceId;
  readonly stage: Stage;
}

/** One of each stage that reads inboxes and lives in this thread. */
function* chosenOf(stages: readonly Stage[], view: JobLogView): Iterable<Chosen> {
  const assigned = new Map([...view.assignments()].map((each) => [instanceKey(each.instance), each]));
  for (const stage of stages) {
    if (stage.source !== undefined || stage.threads !== undefined) continue;
    const id = view
      .instancesOf(stage)
      .find((instance) => isInnocent(instance, assigned.get(instanceKey(instance)), view));
    if (id !== undefined) yield { id, stage };
  }
}

/** WU2. Having been hosted where a process died is nothing: what is rehearsed has been survived since, or before. */
function isInnocent(id: InstanceId, assigned: AssignmentView | undefined, view: JobLogView): boolean {
  const isOnProbation = assigned?.suspicion?.isOnProbation === true;
  return assigned !== undefined && !isOnProbation && view.skips(id).length === 0;
}
