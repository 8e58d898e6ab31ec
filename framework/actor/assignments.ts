/**
 * The assignments of one leader epoch on their way into the job log.
 *
 * Owns which instances have one under way: nothing else is decided of them until it has been read. What is not seen in the log after a while is decided, and
 * said, again.
 *
 * R4. An assignment's epoch is its sequence in the job log, whoever wrote it.
 */
import { instanceKey } from "../protocol/job-log.ts";
import type { Assignment, InstanceId } from "../record/messages.ts";
import type { JobWorld } from "./job-world.ts";

/** After this long without being seen in the log, an assignment is appended again, ms. */
const assignAgainMs = 5_000;

/** Why an instance is assigned, and what is held against it. */
export type AssignmentReason = Pick<Assignment, "cause" | "detail" | "suspicion">;

/** One that is under way, with its sequence once known. */
interface UnderWay {
  readonly instance: InstanceId;
  sequence: number;
}

/** What is being assigned. */
export class Assignments {
  readonly #world: Pick<JobWorld, "platform" | "tail">;
  readonly #leader: number;
  readonly #nameOf: (instance: InstanceId) => string;
  readonly #onStored: () => void;
  readonly #underWay = new Map<string, UnderWay>();

  /** @param onStored the log has one of them: its position may have been read */
  constructor(
    world: Pick<JobWorld, "platform" | "tail">,
    leader: number,
    nameOf: (instance: InstanceId) => string,
    onStored: () => void,
  ) {
    this.#world = world;
    this.#leader = leader;
    this.#nameOf = nameOf;
    this.#onStored = onStored;
  }

  /** Whether one is on its way for this instance. */
  has(instance: InstanceId): boolean {
    return this.#underWay.has(instanceKey(instance));
  }

  /** The job log has been read further: what is in the view is under way no more. */
  refresh(): void {
    const { view } = this.#world.tail;
    for (const [key, { instance, sequence }] of this.#underWay) {
      const epoch = view.assignment(instance)?.epoch ?? 0;
      if (sequence > 0 && epoch >= sequence) this.#underWay.delete(key);
    }
  }

  /** Assigns the instance to `worker`; it counts when it is read. */
  assign(instance: InstanceId, worker: string, why: AssignmentReason): void {
    const key = instanceKey(instance);
    const entry: UnderWay = { instance, sequence: 0 };
    this.#underWay.set(key, entry);
    const { platform, tail } = this.#world;
    const onProbation = why.suspicion?.isOnProbation;
    const said = { instance: this.#nameOf(instance), to: worker, cause: why.cause, onProbation };
    platform.logger.log("info", "instance is assigned", said);
    tail.append({ kind: "assignment", leader: this.#leader, instance, worker, ...why }, (sequence) => {
      entry.sequence = sequence;
      this.#onStored();
    });
    const again = () => this.#underWay.get(key) === entry && this.#underWay.delete(key);
    platform.clock.schedule(assignAgainMs, again, { background: true });
  }
}
