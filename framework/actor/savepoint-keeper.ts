/**
 * Takes the savepoints of a job, on behalf of one leader epoch.
 *
 * Owns what the leader does about the savepoint that the job log has open: its register, the index, its end. Instances freeze and copy themselves by what the
 * job log says; drains travel with watermarks. What is decided is in `protocol/savepoint.ts`.
 *
 * R17. Every leader continues or cancels what it finds open; complete is said when every copy is confirmed, and they make one cut (F3).
 * K1. First the register, then the record: a leader that dies in between leaves the register to say what has become of it (F4).
 * K2. Nothing hangs: what does not come about within its timeout is cancelled, with the reason.
 */
import { StreamError, messageOf } from "../errors.ts";
import type { Blobs } from "../log/contracts.ts";
import { savepointRegister } from "../log/names.ts";
import { decideSavepoint, gapReason, gapsOf, progressOf, type SavepointProgress } from "../protocol/savepoint.ts";
import type { SavepointView } from "../protocol/savepoint-life.ts";
import type { InstanceId, Report } from "../record/messages.ts";
import type { SavepointEnd } from "../record/savepoint-record.ts";
import { failureText } from "./failure-text.ts";
import { HoldWatch } from "./hold-watch.ts";
import { giveUpSwitch } from "./job-register.ts";
import type { JobWorld } from "./job-world.ts";
import { patientBlobs, patiently } from "./patience.ts";
import { refusingBlobs } from "./savepoint-copy.ts";
import { chunksOf, indexOf, putIndex, readCopies, type InstanceCopy } from "./savepoint-index.ts";
import { SavepointRegister, type Conclusion, type RegisterOutcome } from "./savepoint-register.ts";
import { SuccessionWatch } from "./succession-watch.ts";
import { sweepSavepoints } from "./savepoint-sweep.ts";

/** What the keeper knows of the instances. */
export interface KnownReports {
  /** Newest report of the current incarnation. */
  readonly reportOf: (instance: InstanceId) => Report | undefined;
  readonly nameOf: (instance: InstanceId) => string;
  /** The job log's own time, ms. */
  readonly nowMs: () => number;
}

/** A savepoint that is being taken, for a status. */
export interface SavepointStatus extends SavepointProgress {
  readonly name: string;
  readonly id: number;
  readonly state: SavepointView["state"];
  readonly mode: SavepointView["mode"];
  readonly by: string;
  /** When it was asked for, ms since the epoch. */
  readonly at: number;
}

/** The savepoint in this leader's hands. */
interface Task {
  readonly savepoint: SavepointView;
  /** When it, or its hold, came to this leader, in time that never goes back. */
  sinceMs: number;
  state: SavepointView["state"];
  readonly register: SavepointRegister;
  /** Something is under way for it. */
  isBusy: boolean;
  isReserved: boolean;
  /** What ends this state is on its way into the job log. */
  said: SavepointView["state"] | undefined;
}

/** The savepoints of one leader epoch. */
export class SavepointKeeper {
  readonly #world: JobWorld;
  readonly #leader: number;
  readonly #known: KnownReports;
  readonly #succession: SuccessionWatch;
  readonly #holder: HoldWatch;
  #task: Task | undefined;
  #isClosed = false;

  constructor(world: JobWorld, leader: number, known: KnownReports) {
    this.#world = world;
    this.#leader = leader;
    this.#known = known;
    this.#succession = new SuccessionWatch(world, leader);
    this.#holder = new HoldWatch(world.platform, world.bus);
  }

  /** The open savepoint and how far it has come. */
  get status(): SavepointStatus | undefined {
    const { open } = this.#world.tail.view.savepoints;
    if (open === undefined) return undefined;
    const { name, id, state, mode, by, atMs } = open;
    return { name, id, state, mode, by, at: atMs, ...progressOf(this.#facts(open)) };
  }

  /** Called when the job log has been read, reports have come, and now and then. */
  refresh(): void {
    const { open } = this.#world.tail.view.savepoints;
    if (this.#isClosed) return;
    this.#succession.look();
    if (this.#task !== undefined && this.#task.savepoint.id !== open?.id) this.#tidy(this.#task);
    if (open === undefined) return;
    this.#holder.look(open);
    const task = (this.#task ??= this.#begin(open));
    if (task.state !== open.state)
      Object.assign(task, { state: open.state, sinceMs: this.#world.platform.clock.monotonicMs() });
    if (!task.isBusy && task.said !== open.state) void this.#run(task, () => this.#goOn(task, open));
  }

  /** The leader leads no more: what is under way is left to the next one. */
  close(): void {
    this.#isClosed = true;
    this.#succession.close();
  }

  #begin(savepoint: SavepointView): Task {
    const { platform, registers, names } = this.#world;
    const owner = { generation: names.generation, savepoint: savepoint.id, leader: this.#leader };
    const isOver = () => this.#isClosed || this.#world.tail.view.savepoints.open?.id !== savepoint.id;
    const register = new SavepointRegister(platform, registers, savepointRegister(savepoint.name), owner, isOver);
    const sinceMs = platform.clock.monotonicMs();
    return { savepoint, sinceMs, state: savepoint.state, register, isBusy: false, isReserved: false, said: undefined };
  }

  async #run(task: Task, step: () => Promise<void>): Promise<void> {
    task.isBusy = true;
    try {
      await step();
    } catch (error) {
      await this.#failed(task, error);
    } finally {
      task.isBusy = false;
    }
  }

  /** What is over needs nothing more; whatever else has failed ends the savepoint, and what is held is tried again. */
  async #failed(task: Task, error: unknown): Promise<void> {
    if (this.#isClosed || StreamError.is(error, "FENCED")) return;
    const reason = failureText(error);
    const { logger } = this.#world.platform;
    logger.log("warn", "a savepoint has failed", { savepoint: task.savepoint.name, reason });
    if (this.#world.tail.view.savepoints.open?.state !== "freezing") return;
    await this.#cancel(task, reason).catch((again: unknown) =>
      logger.log("warn", "a savepoint could not be cancelled", { reason: messageOf(again) }),
    );
  }

  async #goOn(task: Task, open: SavepointView): Promise<void> {
    if (!task.isReserved && open.state === "freezing") return this.#reserve(task);
    // The wall clocks that a log is stored by may go back.
    const ownMs = open.sinceMs + this.#world.platform.clock.monotonicMs() - task.sinceMs;
    const { nameOf } = this.#known;
    const nowMs = Math.max(this.#known.nowMs(), ownMs);
    const isLeft = this.#holder.isLeft(open);
    const decision = decideSavepoint({ ...this.#facts(open), nameOf, nowMs, isLeft });
    if (decision.kind === "cancel") await this.#cancel(task, decision.reason);
    else if (decision.kind === "collect") await this.#collect(task);
    else if (decision.kind === "giveUp") await this.#giveUp(task);
  }

  async #reserve(task: Task): Promise<void> {
    const outcome = await task.register.reserve();
    if (outcome.kind === "mine") task.isReserved = true;
    else if (outcome.kind === "taken")
      this.#end(task, "cancelled", `a savepoint ${task.savepoint.name} exists already`);
    else this.#follow(task, outcome);
  }

  /** K1. What stands in the register goes into the job log. */
  #follow(task: Task, { kind, record }: RegisterOutcome): void {
    if (kind !== "settled" || record === undefined) return;
    this.#end(task, record.state === "complete" ? "complete" : "cancelled", record.reason);
  }

  async #conclude(task: Task, conclusion: Conclusion): Promise<void> {
    this.#follow(task, await task.register.conclude(conclusion));
  }

  #cancel(task: Task, reason: string): Promise<void> {
    return this.#conclude(task, { state: "cancelled", reason, index: [], atMs: 0, bytes: 0 });
  }

  async #collect(task: Task): Promise<void> {
    const { plan, names, tail, platform } = this.#world;
    const { savepoint } = task;
    const blobs = await this.#open(task);
    const copies = await readCopies(blobs, this.#copiesOf(savepoint));
    const [gap] = gapsOf(
      plan.edges,
      copies.map(({ instance, manifest }) => ({ instance, ...manifest })),
    );
    // F3. A source that has begun again behind what it had said: the next savepoint finds it further.
    if (gap !== undefined)
      return this.#cancel(task, gapReason(gap, plan.edges[gap.edge]?.name ?? "", this.#known.nameOf));
    const atMs = Math.floor(platform.clock.now());
    const index = await putIndex(blobs, indexOf({ plan, names, view: tail.view, savepoint, copies, atMs }));
    const bytes = [...chunksOf(copies).values(), ...index.map(({ length }) => length)].reduce((a, b) => a + b, 0);
    await this.#conclude(task, { state: "complete", reason: "", index, atMs, bytes });
  }

  #copiesOf({ id }: SavepointView): Omit<InstanceCopy, "manifest">[] {
    const { plan, tail } = this.#world;
    const instances = plan.stages.flatMap((stage) => [...tail.view.instancesOf(stage)]);
    return instances.map((instance) => {
      const freeze = this.#known.reportOf(instance)?.freeze;
      return { instance, chunks: freeze?.savepoint === id ? freeze.manifest : [] };
    });
  }

  /** The hold goes on only when no other generation can take the place any more: the job's register says so first. */
  async #giveUp(task: Task): Promise<void> {
    const { registers, names, tail, platform, worker } = this.#world;
    const { id, name } = task.savepoint;
    if (!(await giveUpSwitch(registers, names.generation, id))) return;
    platform.logger.log("warn", "nobody has followed up the savepoint: the job goes on", { savepoint: name });
    task.said = "held";
    tail.append({ kind: "resume", savepoint: id, by: `worker ${worker}` });
  }

  #end(task: Task, outcome: SavepointEnd["outcome"], reason: string): void {
    const { id: savepoint, name } = task.savepoint;
    task.said = "freezing";
    this.#world.platform.logger.log("info", `savepoint is ${outcome}`, { savepoint: name, reason });
    this.#world.tail.append({ kind: "savepointEnd", leader: this.#leader, savepoint, outcome, reason });
  }

  /** What nobody needs any more of what has been written for it. */
  #tidy(task: Task): void {
    this.#task = undefined;
    if (!task.isReserved) return;
    const { registers, names, tail } = this.#world;
    const ended = tail.view.savepoints.all.filter(({ id, state }) => id <= task.savepoint.id && state !== "refused");
    const isOver = () => this.#isClosed;
    this.#open(task, isOver)
      .then((blobs) => sweepSavepoints(registers, blobs, names.generation, ended))
      .catch((error: unknown) =>
        this.#world.platform.logger.log("debug", "what is left of a savepoint stays for now", {
          reason: messageOf(error),
        }),
      );
  }

  async #open({ savepoint }: Task, isOver?: () => boolean): Promise<Blobs> {
    const { platform, openSavepoints, plan, tail } = this.#world;
    const over = isOver ?? (() => this.#isClosed || tail.view.savepoints.open?.id !== savepoint.id);
    const blobs = await patiently(platform, "savepoints", openSavepoints, over);
    return patientBlobs(platform, refusingBlobs(blobs), plan.options.replicas, over);
  }

  #facts(savepoint: SavepointView) {
    const { plan, tail } = this.#world;
    const { reportOf } = this.#known;
    return { savepoint, view: tail.view, stages: plan.stages, reportOf };
  }
}
