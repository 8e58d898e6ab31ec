/**
 * What may be late by right: records of a split that was idle, behind event time that went on without it (R16).
 *
 * Owns, for each instance, the event time of its stage that had been said when it was let back in, and for each record the event time that excuses it. Everything
 * is taken from what has gone over the Bus and into the inboxes; while nobody has been idle, nothing is excused.
 */
import type { JobNames } from "../../log/names.ts";
import type { Plan } from "../../plan/plan.ts";
import { instanceKey } from "../../protocol/job-log.ts";
import type { Frame, InboxMessage } from "../../record/frame.ts";
import type { EpochStart, InstanceId, WatermarkControl } from "../../record/messages.ts";
import { decodeReportAnswer, decodeReportBatch } from "../../record/wire/report.ts";
import type { SimulatedRecord } from "./contract.ts";

/** An idle timeout above this is longer than any pause of a script, ms. */
const pauseMsMax = 10_000;

/** Controls into one inbox that may have been decided before, and are stored later: one on its way, and one that waits for it; of two leaders. */
const controlsUnderWay = 4;

/** What is known of one instance. */
interface Memory {
  epoch: number;
  /** Number of the newest idle report of the epoch. */
  idleReport: number;
  /** Whether it has said that it is idle, and has not been let back in. */
  isOut: boolean;
  /** Whether its epoch began while the one before was out: it speaks without having been answered. */
  beganOut: boolean;
  /** Whether it has been out: controls that were decided meanwhile may be stored later, the very first one too. */
  hasBeenOut: boolean;
  /** Event time that excuses what it says. */
  excused: number;
  /** Controls stored since it was let back in, by place. */
  readonly told: Map<string, number>;
}

/** The excuses of one job. */
export class ExcuseLedger {
  readonly #plan: Plan;
  /** Whether a split of the job can become idle at all. */
  readonly #isWanted: boolean;
  readonly #reports: string;
  readonly #answers: RegExp;
  readonly #instances = new Map<string, Memory>();
  /** The highest watermark stored in any inbox, by the stage that it is of. */
  readonly #said = new Map<number, number>();
  readonly #byRecord = new Map<number, number>();

  constructor(plan: Plan, names: JobNames) {
    this.#plan = plan;
    this.#isWanted = plan.stages.some(
      ({ idleTimeoutMs, source }) => source !== undefined && idleTimeoutMs <= pauseMsMax,
    );
    this.#reports = names.reportsSubject;
    const subject = names.workerSubject("ID").replaceAll(".", String.raw`\.`);
    this.#answers = new RegExp(String.raw`^${subject.replace("ID", "[^.]+")}\.answers$`);
  }

  /** The generation goes on from a savepoint of another one: whose split has been idle there comes back behind the event time that was said without it. */
  inherit(before: ExcuseLedger): void {
    for (const [stage, said] of before.#said) this.#said.set(stage, Math.max(this.#said.get(stage) ?? -Infinity, said));
    for (const [key, { isOut, hasBeenOut }] of before.#instances) {
      const [stage = 0, partition = 0] = key.split("/").map(Number);
      if (isOut || hasBeenOut) this.#excuse(this.#memory({ stage, partition }), { stage, partition });
    }
  }

  /** The event time behind which a record may be late; -Infinity: it may not. */
  excusedUpTo(id: number): number {
    return this.#byRecord.get(id) ?? -Infinity;
  }

  /** Something has been said over the Bus, whether anybody hears it or not. */
  onPublished(subject: string, payload: Uint8Array): void {
    if (!this.#isWanted) return;
    if (subject === this.#reports)
      for (const { instance, epoch, n, activity } of decodeReportBatch(payload).reports) {
        if (activity === "idle") this.#idle(instance, epoch, n);
      }
    else if (this.#answers.test(subject))
      for (const { instance, epoch, n } of decodeReportAnswer(payload).answers) this.#answered(instance, epoch, n);
  }

  /** A message has been stored in an inbox. */
  onStored(inbox: string, message: InboxMessage): void {
    if (!this.#isWanted) return;
    if (message.kind === "watermark") this.#says(inbox, message);
    else if (message.kind === "epochStart") this.#begins(message);
    else if (message.kind === "frame") this.#frame(message);
  }

  #says(inbox: string, { edge, watermark }: WatermarkControl): void {
    const stage = this.#plan.edges[edge]?.from;
    if (stage === undefined || watermark === Infinity) return;
    this.#said.set(stage, Math.max(this.#said.get(stage) ?? -Infinity, watermark));
    const place = `${inbox} ${edge}`;
    for (const [key, memory] of this.#instances) {
      const told = memory.told.get(place) ?? 0;
      if (!memory.hasBeenOut || told >= controlsUnderWay || !key.startsWith(`${stage}/`)) continue;
      memory.told.set(place, told + 1);
      memory.excused = Math.max(memory.excused, watermark);
    }
  }

  #idle(instance: InstanceId, epoch: number, n: number): void {
    const memory = this.#memory(instance);
    if (epoch < memory.epoch) return;
    if (epoch > memory.epoch) Object.assign(memory, { epoch, idleReport: 0, beganOut: false });
    memory.idleReport = Math.max(memory.idleReport, n);
    memory.isOut = true;
  }

  #answered(instance: InstanceId, epoch: number, n: number): void {
    const memory = this.#memory(instance);
    if (!memory.isOut || epoch !== memory.epoch || n <= memory.idleReport) return;
    memory.isOut = false;
    this.#excuse(memory, instance);
  }

  /** Its epoch counts in one inbox after the other: until the last of them has it, event time goes on without it there. */
  #begins({ instance, epoch }: EpochStart): void {
    const memory = this.#memory(instance);
    if (epoch > memory.epoch) Object.assign(memory, { epoch, idleReport: 0, beganOut: memory.isOut, isOut: false });
    if (epoch === memory.epoch && memory.beganOut) this.#excuse(memory, instance);
  }

  #excuse(memory: Memory, { stage }: InstanceId): void {
    memory.told.clear();
    memory.hasBeenOut = true;
    memory.excused = Math.max(memory.excused, this.#said.get(stage) ?? -Infinity);
  }

  #frame(frame: Frame): void {
    for (const section of frame.sections) {
      const edge = this.#plan.edges[section.edge];
      if (edge === undefined || typeof edge.to !== "number") continue;
      const { excused } = this.#memory({ stage: edge.from, partition: section.from });
      if (excused === -Infinity) continue;
      for (const value of section.decode(edge.codec).values) this.#note((value as SimulatedRecord).id, excused);
    }
  }

  #note(id: number, excused: number): void {
    this.#byRecord.set(id, Math.max(this.#byRecord.get(id) ?? -Infinity, excused));
  }

  #memory(instance: InstanceId): Memory {
    const key = instanceKey(instance);
    const memory = this.#instances.get(key) ?? {
      epoch: 0,
      idleReport: 0,
      isOut: false,
      beganOut: false,
      hasBeenOut: false,
      excused: -Infinity,
      told: new Map<string, number>(),
    };
    this.#instances.set(key, memory);
    return memory;
  }
}
