/**
 * What workers and leader of one job say to each other on the Bus, typed.
 *
 * Owns the subjects and the bytes. Every one of these messages may be lost, doubled or late; nothing correct depends on one of them.
 */
import type { Bus, Unsubscribe } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { StarterPresence } from "../record/fleet-records.ts";
import type { Announcement, Heartbeat, ReadLimits, ReadPause, ReportAnswer, ReportBatch } from "../record/messages.ts";
import {
  decodeAnnouncement,
  decodeHeartbeat,
  decodeStarterPresence,
  encodeAnnouncement,
  encodeHeartbeat,
  encodeStarterPresence,
} from "../record/wire/presence.ts";
import {
  decodeReadLimits,
  decodeReadPause,
  decodeReportAnswer,
  decodeReportBatch,
  encodeReadLimits,
  encodeReadPause,
  encodeReportAnswer,
  encodeReportBatch,
} from "../record/wire/report.ts";
import type { JobStatus } from "./job-status.ts";

const requestMs = 2_000;
const pingMs = 1_000;
const nothing = new Uint8Array(0);

/** What every worker listens to. */
export interface WorkerEars {
  onAnnouncement(announcement: Announcement): void;
  /** The process that started a worker says that it is dead. */
  onReportedDead(worker: string): void;
  onHeartbeat(heartbeat: Heartbeat): void;
  /** Reports are for the leader alone: whoever does not lead leaves them unread. */
  onReports(read: () => ReportBatch): void;
  /** What the worker says of itself when it is asked. */
  announcement(): Announcement;
  onAnswers(answer: ReportAnswer): void;
  /** How far splits may read. */
  onLimits(limits: ReadLimits): void;
  /** Splits are not to be read for a while. */
  onPause(pause: ReadPause): void;
  /** The leader asks to let go of instances. */
  onRelease(release: ReportAnswer): void;
}

/** What only the leader answers. */
export interface LeaderEars {
  heartbeat(): Heartbeat;
  status(): JobStatus;
}

/** The Bus as one job uses it. */
export class JobBus {
  readonly #bus: Bus;
  readonly #names: JobNames;

  constructor(bus: Bus, names: JobNames) {
    this.#bus = bus;
    this.#names = names;
  }

  announce(announcement: Announcement): void {
    this.#bus.publish(this.#names.workersSubject, encodeAnnouncement(announcement));
  }

  reportDead(worker: string): void {
    const lastWord = {
      worker,
      load: 0,
      isLeaving: true,
      nowMs: 0,
      settled: [],
      loopShare: 0,
      unstoredMs: 0,
      isWarming: false,
    };
    const nowhere = { host: "", processId: 0, capacity: 1, zone: "" };
    this.#bus.publish(`${this.#names.workersSubject}.dead`, encodeAnnouncement({ ...lastWord, ...nowhere }));
  }

  beat(heartbeat: Heartbeat): void {
    this.#bus.publish(this.#names.heartbeatSubject, encodeHeartbeat(heartbeat));
  }

  report(batch: ReportBatch): void {
    this.#bus.publish(this.#names.reportsSubject, encodeReportBatch(batch));
  }

  answer(worker: string, answer: ReportAnswer): void {
    this.#bus.publish(`${this.#names.workerSubject(worker)}.answers`, encodeReportAnswer(answer));
  }

  limit(worker: string, limits: ReadLimits): void {
    this.#bus.publish(`${this.#names.workerSubject(worker)}.limits`, encodeReadLimits(limits));
  }

  pause(worker: string, pause: ReadPause): void {
    this.#bus.publish(`${this.#names.workerSubject(worker)}.pause`, encodeReadPause(pause));
  }

  askToRelease(worker: string, release: ReportAnswer): void {
    this.#bus.publish(`${this.#names.workerSubject(worker)}.release`, encodeReportAnswer(release));
  }

  /** @throws NO_RESPONDERS at once when the worker is not there; TIMEOUT */
  async ping(worker: string): Promise<void> {
    await this.#bus.request(`${this.#names.workerSubject(worker)}.ping`, nothing, pingMs);
  }

  /** The leader, as it says itself. @throws NO_RESPONDERS at once when nobody leads; TIMEOUT */
  async whoLeads(): Promise<Heartbeat> {
    return decodeHeartbeat(await this.#bus.request(`${this.#names.leaderSubject}.who`, nothing, requestMs));
  }

  /** @throws NO_RESPONDERS, TIMEOUT */
  async status(): Promise<JobStatus> {
    return parseStatus(await this.#bus.request(`${this.#names.leaderSubject}.status`, nothing, requestMs));
  }

  /** Says, whenever the leader asks, that somebody follows up the hold of that savepoint; answers how to say so no longer. */
  answerAsHolder(savepoint: string): Unsubscribe {
    return this.#bus.subscribe(this.#names.holderSubject(savepoint), (_payload, reply) => reply?.(nothing));
  }

  /** Resolves when somebody follows up the hold of that savepoint. @throws NO_RESPONDERS at once when nobody does; TIMEOUT */
  async askHolder(savepoint: string): Promise<void> {
    await this.#bus.request(this.#names.holderSubject(savepoint), nothing, requestMs);
  }

  /** Listens to the workers' announcements alone, as somebody who is none; answers how to stop. */
  hearWorkers(onAnnouncement: (announcement: Announcement) => void): Unsubscribe {
    return this.#bus.subscribe(this.#names.workersSubject, (payload) => onAnnouncement(decodeAnnouncement(payload)));
  }

  /** A process that starts workers says that it lives. */
  presentStarter(presence: StarterPresence): void {
    this.#bus.publish(this.#names.startersSubject, encodeStarterPresence(presence));
  }

  /** Listens to those who start workers; answers how to stop. */
  hearStarters(onPresent: (presence: StarterPresence) => void): Unsubscribe {
    return this.#bus.subscribe(this.#names.startersSubject, (payload) => onPresent(decodeStarterPresence(payload)));
  }

  /** Listens as worker `id`; answers how to stop. */
  listen(id: string, ears: WorkerEars): Unsubscribe {
    const { workersSubject, heartbeatSubject, reportsSubject } = this.#names;
    const mine = this.#names.workerSubject(id);
    return this.#all([
      this.#bus.subscribe(workersSubject, (payload) => ears.onAnnouncement(decodeAnnouncement(payload))),
      this.#bus.subscribe(`${workersSubject}.dead`, (payload) =>
        ears.onReportedDead(decodeAnnouncement(payload).worker),
      ),
      this.#bus.subscribe(heartbeatSubject, (payload) => ears.onHeartbeat(decodeHeartbeat(payload))),
      this.#bus.subscribe(reportsSubject, (payload) => ears.onReports(() => decodeReportBatch(payload))),
      this.#bus.subscribe(`${mine}.ping`, (_payload, reply) => reply?.(encodeAnnouncement(ears.announcement()))),
      this.#bus.subscribe(`${mine}.answers`, (payload) => ears.onAnswers(decodeReportAnswer(payload))),
      this.#bus.subscribe(`${mine}.limits`, (payload) => ears.onLimits(decodeReadLimits(payload))),
      this.#bus.subscribe(`${mine}.pause`, (payload) => ears.onPause(decodeReadPause(payload))),
      this.#bus.subscribe(`${mine}.release`, (payload) => ears.onRelease(decodeReportAnswer(payload))),
    ]);
  }

  /** Listens to what worker `id` is told of the instances that it hosts, for one of them that lives apart. */
  listenApart(
    id: string,
    ears: Pick<WorkerEars, "onHeartbeat" | "onAnswers" | "onLimits" | "onPause" | "onRelease">,
  ): Unsubscribe {
    const mine = this.#names.workerSubject(id);
    return this.#all([
      this.#bus.subscribe(this.#names.heartbeatSubject, (payload) => ears.onHeartbeat(decodeHeartbeat(payload))),
      this.#bus.subscribe(`${mine}.pause`, (payload) => ears.onPause(decodeReadPause(payload))),
      this.#bus.subscribe(`${mine}.answers`, (payload) => ears.onAnswers(decodeReportAnswer(payload))),
      this.#bus.subscribe(`${mine}.limits`, (payload) => ears.onLimits(decodeReadLimits(payload))),
      this.#bus.subscribe(`${mine}.release`, (payload) => ears.onRelease(decodeReportAnswer(payload))),
    ]);
  }

  /** Listens as the leader; silence on these subjects means that nobody leads. */
  listenAsLeader(ears: LeaderEars): Unsubscribe {
    const subject = this.#names.leaderSubject;
    return this.#all([
      this.#bus.subscribe(`${subject}.who`, (_payload, reply) => reply?.(encodeHeartbeat(ears.heartbeat()))),
      this.#bus.subscribe(`${subject}.status`, (_payload, reply) => reply?.(formatStatus(ears.status()))),
    ]);
  }

  #all(unsubscribes: readonly Unsubscribe[]): Unsubscribe {
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  }
}

/** Infinities are no JSON: they travel as strings. */
function formatStatus(status: JobStatus): Uint8Array {
  const text = JSON.stringify(status, (_key, value: unknown) =>
    value === Infinity || value === -Infinity ? String(value) : value,
  );
  return Buffer.from(text);
}

function parseStatus(bytes: Uint8Array): JobStatus {
  const restore = (_key: string, value: unknown) =>
    value === "Infinity" || value === "-Infinity" ? Number(value) : value;
  return JSON.parse(Buffer.from(bytes).toString(), restore) as JobStatus;
}
