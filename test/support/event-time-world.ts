/**
 * A small world around the decisions of event time: splits, incarnations and zombies of them, leaders, a job log, one receiver, a careless network.
 *
 * Owns nothing of the protocol: it calls the decisions as the actors do, in an order that a schedule of numbers chooses. With a `Hole` one
 * rule is left out. The oracle is the naive truth: record k of a split has timestamp k, so a watermark that exceeds what the upstream
 * instances have really said in their current epochs makes an accepted record late.
 */
import { IdleGate } from "../../framework/protocol/idle.ts";
import { instanceKey, JobLogView } from "../../framework/protocol/job-log.ts";
import { EdgeClocks, StageMinimum, type StageWatermark } from "../../framework/protocol/watermark.ts";
import type { InstanceId, JobLogRecord, Report, WatermarkControl } from "../../framework/record/messages.ts";
import { noLoad } from "../actor/rig.ts";
import type { EdgeState } from "../../framework/record/snapshot-record.ts";

/** A rule that is left out. */
export type Hole =
  | "upto"
  | "reset"
  | "current epochs alone"
  | "epochs of reports"
  | "n of reports"
  | "finished and idle"
  | "empty minimum"
  | "idle before the answer"
  | "leader epochs"
  | "splits open"
  | "adopted edges are active"
  | "answer after the control"
  | "the newest leader's idleness";

/** What is played. */
export interface WorldOptions {
  /** 1: two splits over one edge. 2: a second source with one split over its own edge. */
  readonly edges: 1 | 2;
  /** Whether splits have pauses, and idleness is reported. */
  readonly hasPauses: boolean;
  readonly hole?: Hole | undefined;
}

type InboxMessage =
  | { readonly kind: "fence"; readonly instance: InstanceId; readonly epoch: number }
  | {
      readonly kind: "record";
      readonly instance: InstanceId;
      readonly epoch: number;
      readonly number: number;
      readonly lateUpTo: number;
    }
  | WatermarkControl;

interface Incarnation {
  readonly instance: InstanceId;
  readonly epoch: number;
  readonly gate: IdleGate;
  phase: "claiming" | "fencing" | "running";
  next: number;
  n: number;
  /** Records up to here may be late. */
  lateUpTo: number;
}

interface Slot {
  wanted: WatermarkControl | undefined;
  sent: WatermarkControl | undefined;
  isInFlight: boolean;
  waiting: { readonly control: WatermarkControl; readonly answer: () => void }[];
}

const recordsPerSplit = 6;
const counts = { recordsIn: 0, recordsOut: 0, late: 0, deadLetters: 0, windowsOut: 0 };

/** The world; `play` runs it to its end and answers what went wrong. */
export class EventTimeWorld {
  readonly options: WorldOptions;
  readonly splitsOf: readonly (readonly InstanceId[])[];
  readonly jobLog: JobLogRecord[] = [];
  readonly inbox: InboxMessage[] = [];
  readonly network: { readonly isBus: boolean; readonly deliver: () => void }[] = [];
  readonly leaders: Leader[] = [];
  readonly fleet = new JobLogView();
  readonly pointers = new Map<string, { epoch: number; snapshot: number }>();
  readonly available = new Map<string, number>();
  readonly publishedMax: number[] = [];
  readonly receiver: Receiver;
  readonly shadow: Receiver;
  readonly wrongs: string[] = [];
  incarnations: Incarnation[] = [];
  isCalm = false;
  readonly #schedule: readonly number[];
  #at = 0;

  constructor(options: WorldOptions, schedule: readonly number[]) {
    this.options = options;
    this.#schedule = schedule;
    const first = [0, 1].map((partition) => ({ stage: 0, partition }));
    this.splitsOf = options.edges === 1 ? [first] : [first, [{ stage: 1, partition: 0 }]];
    this.receiver = new Receiver(this, (wrong) => this.wrongs.push(wrong));
    this.shadow = new Receiver(this, () => 0);
    this.publishedMax = this.splitsOf.map(() => -Infinity);
    this.#elect();
  }

  has(hole: Hole): boolean {
    return this.options.hole === hole;
  }

  pick(count: number): number {
    const number = this.#schedule[this.#at % this.#schedule.length] ?? 0;
    this.#at += 1;
    return (number + (this.isCalm ? this.#at * 7 : 0)) % count;
  }

  one<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : items[this.pick(items.length)];
  }

  /** Plays the schedule, then calm until everything has been said. Answers what went wrong; nothing: empty. */
  play(): readonly string[] {
    const swarm = this.#swarm();
    if (this.pick(4) > 0) this.#settle();
    while (this.#at < this.#schedule.length && this.wrongs.length === 0) this.one(swarm)?.();
    this.isCalm = true;
    this.leaders.splice(0, this.leaders.length - 1);
    for (const split of this.splitsOf.flat()) this.available.set(instanceKey(split), recordsPerSplit);
    for (let round = 0; round < 400 && this.wrongs.length === 0 && this.receiver.watermark < Infinity; round += 1)
      this.#calmRound();
    if (this.wrongs.length === 0 && this.receiver.watermark < Infinity) this.wrongs.push("stall");
    return this.wrongs;
  }

  append(record: JobLogRecord): void {
    this.jobLog.push(record);
  }

  store(message: InboxMessage): void {
    this.inbox.push(message);
    this.shadow.turn();
  }

  /** What may happen, and how often in the middle; every run turns some of it up or down. */
  readonly #actions: readonly (readonly [number, () => unknown])[] = [
    [1, () => this.one(this.leaders)?.read(1 + this.pick(4))],
    [1, () => this.one(this.leaders)?.act(this.pick(2) === 0)],
    [1, () => this.#disturb(this.pick(6))],
    [2, () => this.#spawn()],
    [8, () => this.#advance(this.one(this.incarnations))],
    [5, () => this.#report(this.one(this.incarnations))],
    [1, () => this.#snapshot(this.one(this.incarnations))],
    [1, () => this.#grow(this.one(this.splitsOf.flat()))],
    [8, () => this.#deliver()],
    [2, () => this.#readInbox(1 + this.pick(6))],
  ];

  #swarm(): (() => unknown)[] {
    return this.#actions.flatMap(([often, action]) =>
      Array.from({ length: often * (this.one([1, 3, 9]) ?? 1) }, () => action),
    );
  }

  /** Most runs begin where everything is assigned and speaks: there is more to break. */
  #settle(): void {
    for (let round = 0; round < 8; round += 1) {
      this.leaders[0]?.read(100);
      this.leaders[0]?.act(false);
    }
    this.leaders[0]?.read(100);
    for (let round = 0; round < 12; round += 1) this.#spawn();
    for (const one of [...this.incarnations, ...this.incarnations]) this.#advance(one);
  }

  #readInbox(count: number): void {
    for (let left = count; left > 0; left -= 1) this.receiver.turn();
  }

  #calmRound(): void {
    const leader = this.leaders[0];
    leader?.read(1000);
    leader?.act(false);
    this.#spawn();
    for (const incarnation of this.incarnations) {
      this.#advance(incarnation);
      this.#report(incarnation);
    }
    while (this.network.length > 0) this.#deliver();
    while (this.receiver.turn());
  }

  #disturb(what: number): void {
    if (what === 0) this.#elect();
    else if (what === 1 && this.leaders.length > 1) this.leaders.splice(this.pick(this.leaders.length - 1), 1);
    else if (what === 2) this.incarnations.splice(this.pick(Math.max(1, this.incarnations.length)), 1);
  }

  #elect(): void {
    this.append({ kind: "leaderStart", worker: "w" });
    this.leaders.push(new Leader(this, this.jobLog.length));
  }

  #spawn(): void {
    const record = this.jobLog[this.fleet.position];
    if (record === undefined) return;
    const { position } = this.fleet;
    this.fleet.apply(position + 1, position, record);
    if (record.kind !== "assignment") return;
    if (this.fleet.assignment(record.instance)?.epoch !== position + 1) return;
    const gate = new IdleGate(this.options.hasPauses ? 0 : Infinity);
    this.incarnations.push({
      instance: record.instance,
      epoch: position + 1,
      gate,
      phase: "claiming",
      next: 1,
      n: 0,
      lateUpTo: -Infinity,
    });
  }

  #advance(one: Incarnation | undefined): void {
    if (one === undefined) return;
    const { instance, epoch } = one;
    const key = instanceKey(instance);
    if (one.phase === "claiming") {
      const pointer = this.pointers.get(key) ?? { epoch: 0, snapshot: 0 };
      if (pointer.epoch >= epoch) this.incarnations = this.incarnations.filter((other) => other !== one);
      this.pointers.set(key, { epoch: Math.max(epoch, pointer.epoch), snapshot: pointer.snapshot });
      one.next = pointer.snapshot + 1;
      one.phase = "fencing";
    } else if (one.phase === "fencing") {
      this.store({ kind: "fence", instance, epoch });
      one.phase = "running";
      one.lateUpTo = this.#passed(one);
    } else this.#send(one);
  }

  #send(one: Incarnation): void {
    const { instance, epoch, next: number } = one;
    if (number > this.#availableOf(instance)) return;
    if (!one.gate.mayProceed && !this.has("idle before the answer")) return void one.gate.wantsToProceed();
    this.store({ kind: "record", instance, epoch, number, lateUpTo: one.lateUpTo });
    one.next += 1;
  }

  // What event time had passed before an incarnation began to speak (again) is late by right: it was idle, and nobody waits for the idle.
  #passed({ instance: { stage } }: Incarnation): number {
    if (!this.options.hasPauses) return -Infinity;
    const decided = this.publishedMax[stage] ?? -Infinity;
    return this.shadow.watermark === Infinity ? decided : Math.max(decided, this.shadow.watermark);
  }

  #availableOf(instance: InstanceId): number {
    return this.options.hasPauses ? (this.available.get(instanceKey(instance)) ?? 0) : recordsPerSplit;
  }

  #grow(instance: InstanceId | undefined): void {
    if (instance === undefined) return;
    this.available.set(
      instanceKey(instance),
      Math.min(recordsPerSplit, this.#availableOf(instance) + 1 + this.pick(2)),
    );
  }

  #snapshot(one: Incarnation | undefined): void {
    if (one?.phase !== "running") return;
    const pointer = this.pointers.get(instanceKey(one.instance));
    if (pointer?.epoch === one.epoch) pointer.snapshot = one.next - 1;
  }

  #report(one: Incarnation | undefined): void {
    const leader = this.leaders.at(-1);
    if (one?.phase !== "running" || leader === undefined) return;
    const { instance, epoch, gate } = one;
    const hasEnded = one.next > recordsPerSplit;
    gate.observe({
      isQuiet: !hasEnded && one.next > this.#availableOf(instance),
      isFullyAcknowledged: true,
      isBlocked: false,
      nowMs: 0,
    });
    one.n += 1;
    const n = one.n;
    const isIdle = !hasEnded && gate.isIdle;
    const activity = hasEnded ? "finished" : isIdle ? "idle" : "active";
    const watermark = hasEnded ? Infinity : one.next > 1 ? one.next - 1 : -Infinity;
    gate.reported(n, isIdle);
    const report: Report = {
      instance,
      epoch,
      n,
      watermark,
      activity,
      due: Infinity,
      position: 0,
      state: "running",
      snapshot: 0,
      failure: "",
      counts,
      load: noLoad,
    };
    this.network.push({ isBus: true, deliver: () => leader.report(report, () => this.#answered(one, n)) });
  }

  #answered(one: Incarnation, n: number): void {
    if (one.gate.answered(n)) one.lateUpTo = this.#passed(one);
  }

  #deliver(): void {
    const at = this.pick(Math.max(1, this.network.length));
    const [message] = this.network.splice(at, 1);
    if (message === undefined) return;
    const fate = this.isCalm ? 0 : this.pick(8);
    if (fate === 6 && (message.isBus || this.#mayRepeatControls())) this.network.push(message);
    if (fate === 7 && message.isBus) return;
    message.deliver();
  }

  // A control carries no number, so an old `idle` that arrives again cannot be told from a new one; over one edge that is harmless.
  #mayRepeatControls(): boolean {
    return this.options.edges === 1 || !this.options.hasPauses;
  }
}

/** A leader with its stage supervisors; an old one does not know that it is. */
class Leader {
  readonly #world: EventTimeWorld;
  readonly #epoch: number;
  readonly #view = new JobLogView();
  readonly #stages: readonly StageOfLeader[];

  constructor(world: EventTimeWorld, epoch: number) {
    this.#world = world;
    this.#epoch = epoch;
    this.#stages = world.splitsOf.map((_, stage) => new StageOfLeader(world, stage, epoch, this.#view));
  }

  read(count: number): void {
    const { jobLog } = this.#world;
    for (let left = count; left > 0; left -= 1) {
      const { position } = this.#view;
      const record = jobLog[position];
      if (record === undefined) break;
      this.#view.apply(position + 1, position, record);
    }
    if (this.#isReady) for (const stage of this.#stages) stage.refresh();
  }

  get #isReady(): boolean {
    return this.#view.position >= this.#epoch;
  }

  /** Appends what is missing in the log, or (`mayMove`) an assignment that nothing asks for. */
  act(mayMove: boolean): void {
    if (!this.#isReady) return;
    for (const [stage, splits] of this.#world.splitsOf.entries()) {
      const missing = splits.find(({ partition }) => this.#view.split(stage, partition) === undefined);
      const leader = this.#epoch;
      if (missing !== undefined)
        return this.#world.append({ kind: "split", leader, stage, index: missing.partition, name: "s", identity: "s" });
      if (!this.#view.isClosed(stage)) return this.#world.append({ kind: "splitsClosed", leader, stage });
      const orphan = splits.find((instance) => this.#isOrphan(instance));
      if (orphan !== undefined) return this.#assign(orphan);
    }
    const instance = mayMove ? this.#world.one(this.#world.splitsOf.flat()) : undefined;
    if (instance !== undefined) this.#assign(instance);
  }

  report(report: Report, answer: () => void): void {
    if (this.#isReady) this.#stages[report.instance.stage]?.report(report, answer);
  }

  #isOrphan(instance: InstanceId): boolean {
    const epoch = this.#view.assignment(instance)?.epoch;
    if (epoch === undefined) return true;
    if (!this.#world.isCalm || this.#world.fleet.position < this.#world.jobLog.length) return false;
    return !this.#world.incarnations.some(
      (one) => instanceKey(one.instance) === instanceKey(instance) && one.epoch === epoch,
    );
  }

  #assign(instance: InstanceId): void {
    this.#world.append({
      kind: "assignment",
      leader: this.#epoch,
      instance,
      worker: "w",
      cause: "balance",
      detail: "",
    });
  }
}

/** What a stage supervisor does with its stage's minimum. */
class StageOfLeader {
  readonly #world: EventTimeWorld;
  readonly #stage: number;
  readonly #leader: number;
  readonly #view: JobLogView;
  readonly #minimum = new StageMinimum([]);
  readonly #epochs = new Map<string, number>();
  readonly #newest = new Map<string, Report>();
  readonly #slot: Slot = { wanted: undefined, sent: undefined, isInFlight: false, waiting: [] };
  #taken = 0;

  constructor(world: EventTimeWorld, stage: number, leader: number, view: JobLogView) {
    this.#world = world;
    this.#stage = stage;
    this.#leader = leader;
    this.#view = view;
  }

  refresh(): void {
    this.#minimum.setSplitsOpen(!this.#view.isClosed(this.#stage) && !this.#world.has("splits open"));
    let isAssigned = false;
    for (const instance of this.#view.instancesOf({ index: this.#stage, partitions: 0, source: {} })) {
      const key = instanceKey(instance);
      const epoch = this.#view.assignment(instance)?.epoch ?? 0;
      if (this.#epochs.get(key) === epoch) continue;
      this.#epochs.set(key, epoch);
      this.#minimum.assign(instance, epoch);
      const old = this.#newest.get(key);
      if (old !== undefined && this.#world.has("reset")) this.#minimum.report({ ...old, epoch, n: 0.5 });
      isAssigned = true;
    }
    this.#publish(isAssigned, false);
  }

  report(report: Report, answer: () => void): void {
    const key = instanceKey(report.instance);
    if (!this.#minimum.report(this.#asHeard(report, key))) return;
    this.#newest.set(key, report);
    this.#publish(false, true);
    if (report.activity === "idle") return;
    const { wanted, sent } = this.#slot;
    const isStored = wanted === undefined || wanted === sent || this.#world.has("answer after the control");
    if (isStored) this.#answer(answer);
    else this.#slot.waiting.push({ control: wanted, answer: () => this.#answer(answer) });
  }

  #asHeard(report: Report, key: string): Report {
    this.#taken += 1;
    if (this.#world.has("epochs of reports")) return { ...report, epoch: this.#epochs.get(key) ?? 0, n: this.#taken };
    return this.#world.has("n of reports") ? { ...report, n: this.#taken } : report;
  }

  #answer(answer: () => void): void {
    this.#world.network.push({ isBus: true, deliver: answer });
  }

  // R10 and R16 as the actor does it: one control per change; a new leader's first word comes before its first answer.
  #publish(mustRepublish: boolean, isAnswerWanted: boolean): void {
    const fallback = isAnswerWanted ? { watermark: -Infinity, isIdle: false } : undefined;
    const last = this.#slot.wanted;
    const decision = this.#decide() ?? (last === undefined ? fallback : undefined);
    if (decision === undefined) return;
    const { isIdle } = decision;
    const kept = this.#world.has("current epochs alone") ? (last?.watermark ?? -Infinity) : -Infinity;
    const watermark = Math.max(decision.watermark, kept);
    if (last !== undefined && !mustRepublish && watermark === last.watermark && isIdle === last.isIdle) return;
    const upto = this.#world.has("upto") ? Infinity : this.#view.position;
    const leader = this.#world.has("leader epochs") ? 1 : this.#leader;
    const n = (last?.n ?? 0) + 1;
    this.#slot.wanted = { kind: "watermark", edge: this.#stage, leader, n, upto, watermark, isIdle };
    if (watermark < Infinity)
      this.#world.publishedMax[this.#stage] = Math.max(this.#world.publishedMax[this.#stage] ?? -Infinity, watermark);
    this.#pump();
  }

  #decide(): StageWatermark | undefined {
    const decision = this.#minimum.decide();
    if (decision?.isIdle !== true) return decision;
    const newest = [...this.#newest.values()];
    const isNaive =
      this.#world.has("empty minimum") ||
      (this.#world.has("finished and idle") && newest.some((one) => one.activity === "finished"));
    return isNaive ? { watermark: Infinity, isIdle: false } : decision;
  }

  #pump(): void {
    const slot = this.#slot;
    const control = slot.wanted;
    if (slot.isInFlight || control === undefined || control === slot.sent) return;
    slot.isInFlight = true;
    this.#world.network.push({ isBus: false, deliver: () => this.#store(control) });
  }

  #store(control: WatermarkControl): void {
    const slot = this.#slot;
    this.#world.store(control);
    if (slot.wanted === undefined || slot.sent === control || !slot.isInFlight) return;
    slot.isInFlight = false;
    slot.sent = control;
    const reached = slot.waiting.findIndex((one) => one.control === control);
    if (control === slot.wanted || reached >= 0) {
      const count = control === slot.wanted ? slot.waiting.length : reached + 1;
      for (const { answer } of slot.waiting.splice(0, count)) answer();
    }
    this.#pump();
  }
}

/** The instance downstream: R2 for its channels, R10 for its edges. */
class Receiver {
  readonly #world: EventTimeWorld;
  readonly #onWrong: (wrong: string) => void;
  readonly #channels = new Map<string, { epoch: number; last: number }>();
  #clocks: EdgeClocks;
  #position = 0;
  watermark = -Infinity;

  constructor(world: EventTimeWorld, onWrong: (wrong: string) => void) {
    this.#world = world;
    this.#onWrong = onWrong;
    this.#clocks = new EdgeClocks(world.splitsOf.map((_, edge) => edge));
  }

  /** Reads one message; answers whether there was one. */
  turn(): boolean {
    const message = this.#world.inbox[this.#position];
    if (message === undefined) return false;
    this.#position += 1;
    if (message.kind === "watermark") this.#control(message);
    else if (message.kind === "fence") this.#open(message.instance, message.epoch);
    else this.#accept(message);
    if (this.#position % 5 === 0) this.#restart();
    return true;
  }

  #control(control: WatermarkControl): void {
    const before = this.#clocks.states();
    const hasNewLeader = control.leader > this.#clocks.leader;
    this.#clocks.control(control);
    if (hasNewLeader && this.#world.has("the newest leader's idleness")) this.#keepIdle(before, control.edge);
    this.watermark = Math.max(this.watermark, this.#clocks.watermark);
  }

  /** The channel, unless `epoch` is fenced. */
  #open(instance: InstanceId, epoch: number): { last: number } | undefined {
    const key = instanceKey(instance);
    const channel = this.#channels.get(key) ?? { epoch: 0, last: 0 };
    this.#channels.set(key, channel);
    if (epoch < channel.epoch) return undefined;
    if (epoch > channel.epoch) this.#adopt(instance.stage, epoch);
    channel.epoch = epoch;
    return channel;
  }

  #accept({ instance, epoch, number, lateUpTo }: Extract<InboxMessage, { kind: "record" }>): void {
    const channel = this.#open(instance, epoch);
    if (channel === undefined || number !== channel.last + 1) return;
    channel.last = number;
    if (number > this.watermark || number <= lateUpTo) return;
    this.#onWrong(`late: ${instanceKey(instance)} record ${number} after watermark ${this.watermark}`);
  }

  #adopt(edge: number, epoch: number): void {
    const before = this.#clocks.states();
    this.#clocks.adopt(edge, epoch);
    if (this.#world.has("adopted edges are active")) this.#keepIdle(before, undefined);
  }

  #keepIdle(before: readonly EdgeState[], besides: number | undefined): void {
    const states = this.#clocks
      .states()
      .map((state, at) => (state.edge === besides ? state : { ...state, isIdle: before[at]?.isIdle ?? false }));
    this.#clocks.restore(states, this.#clocks.leader);
  }

  /** A restart from a snapshot must change nothing. */
  #restart(): void {
    const { leader } = this.#clocks;
    const states = this.#clocks.states();
    this.#clocks = new EdgeClocks(states.map(({ edge }) => edge));
    this.#clocks.restore(states, leader);
  }
}
