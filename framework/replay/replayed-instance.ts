/**
 * An instance of a job, run again in this process from one of its snapshots: the production's own program, feed and outputs, with nothing behind them.
 *
 * Owns the parts and the loop of turns. Nothing is claimed, written, trimmed or sent: the job does not notice.
 *
 * P1. Turns are what they were: a message is a turn, and what is said in it depends on the messages before it alone.
 */
import { BatchRunner } from "../actor/batch-turn.ts";
import { checkManifest, idempotencyKeys, programOf, restoreState, watched } from "../actor/assembly.ts";
import type { Feed } from "../actor/feed.ts";
import { InboxFeed } from "../actor/inbox-feed.ts";
import { ingressSource } from "../actor/ingress.ts";
import type { InstanceOrigin } from "../actor/origin.ts";
import { Outputs } from "../actor/outputs.ts";
import { SinkQueue } from "../actor/sink-queue.ts";
import { SnapshotStore } from "../actor/snapshot-store.ts";
import { SplitFeed } from "../actor/split-feed.ts";
import { StreamError } from "../errors.ts";
import type { Blobs, Log } from "../log/contracts.ts";
import type { EndHome } from "../log/ends.ts";
import type { JobNames } from "../log/names.ts";
import { isWhole, type Split } from "../log/source.ts";
import type { StageProgram } from "../operator/program.ts";
import type { Plan, Stage } from "../plan/plan.ts";
import { runDeterministically } from "../platform/determinism.ts";
import type { Platform } from "../platform/platform.ts";
import type { InstanceId } from "../record/messages.ts";
import type { Skip } from "../record/poison.ts";
import type { Manifest } from "../record/snapshot-record.ts";
import { boundedLog } from "./bounded-log.ts";
import { SplitBound } from "./bounded-source.ts";
import { ReplayedOutputs } from "./replayed-outputs.ts";
import type { ReplayTrace } from "./trace.ts";

/** What an instance is run again with. */
export interface ReplaySubject {
  readonly platform: Platform;
  readonly plan: Plan;
  readonly stage: Stage;
  readonly id: InstanceId;
  readonly names: JobNames;
  readonly blobs: Blobs;
  readonly ends: EndHome;
  /** Undefined: from the very beginning. */
  readonly manifest: Manifest | undefined;
  /** Where the manifest is of a savepoint that the generation goes on from: how its state is taken. */
  readonly origin: InstanceOrigin | undefined;
  /** The inbox, or of a push source the ingress log; undefined when the split is read from the source itself. */
  readonly log: Log | undefined;
  /** Of a source stage. */
  readonly split: Split | undefined;
  /** When the job began. */
  readonly startedMs: number;
  /** Steps that are not taken (R15). */
  readonly skips: readonly Skip[];
  /** Watermarks come from the splits alone: for tests. */
  readonly hasManualWatermarks: boolean;
}

/** Time without a message after which an input counts as stuck, ms. */
const silenceMsMax = 30_000;
/** Turns before the process gets a chance to do something else. */
const turnsPerTask = 64;
/** Of no incarnation: every epoch-start in the inbox is somebody else's, and older. */
const noEpoch = Number.MAX_SAFE_INTEGER;

/** One instance, replayed. */
export class ReplayedInstance {
  readonly outputs: ReplayedOutputs;
  readonly #subject: ReplaySubject;
  readonly #trace: ReplayTrace;
  readonly #bound = new SplitBound();
  readonly #sinks: readonly SinkQueue[];
  readonly #rows = new Map<string, number>();
  readonly #said: Outputs;
  readonly #program: StageProgram;
  readonly #batches: BatchRunner;
  #feed: Feed | undefined;
  #turns = 0;
  #announced: number | undefined;
  #failure: unknown;
  #isUnfinished = false;
  #isReadable = Promise.withResolvers<void>();

  constructor(subject: ReplaySubject, trace: ReplayTrace) {
    this.#subject = subject;
    this.#trace = trace;
    const { plan, stage, id, manifest } = subject;
    this.outputs = new ReplayedOutputs(plan);
    this.#sinks = stage.sinks.map((node) => this.#sink(node.name, node.spec));
    const origin = { plan, stage, partition: id.partition, epoch: noEpoch, channels: manifest?.channelsOut ?? [] };
    this.#said = new Outputs(origin, this.#sinks, this.outputs.findLane, {
      position: () => this.position,
      onProgress: () => undefined,
    });
    const { names, hasManualWatermarks, skips } = subject;
    const outlet = watched(this.#said, { stage, position: () => this.position, skips, watch: undefined });
    this.#program = programOf({ id, stage, host: { plan, names, hasManualWatermarks } }, outlet);
    this.#batches = new BatchRunner(subject.platform.clock, idempotencyKeys(names, stage, id));
  }

  /** The last message whose turn has ended. */
  get position(): number {
    return this.#feed?.position ?? this.#subject.manifest?.sequence ?? 0;
  }

  /** Turns taken. */
  get turns(): number {
    return this.#turns;
  }

  /** Rows that went to the sinks, by name. */
  get rows(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#rows);
  }

  get program(): StageProgram {
    return this.#program;
  }

  get feed(): Feed {
    if (this.#feed === undefined) throw new StreamError("NOT_FOUND", "the replay has not been opened");
    return this.#feed;
  }

  /** Where every channel stands. */
  get channels(): Manifest["channelsOut"] {
    return this.#said.states();
  }

  /** Takes the state of the snapshot and opens the input behind it, up to `last` at most. @throws CORRUPT, SNAPSHOT_UNSUITABLE, DATA_LOST, SOURCE_CHANGED */
  async open(last: number): Promise<void> {
    const { blobs, stage, id, manifest, origin } = this.#subject;
    if (origin !== undefined) await origin.restore(this.#program);
    else if (manifest !== undefined) {
      checkManifest(manifest, stage);
      const owner = { stage: stage.name, partition: id.partition, epoch: manifest.epoch };
      const segments = await new SnapshotStore(blobs, owner).getSegments(manifest.segments);
      restoreState(this.#program, stage, manifest, segments);
    }
    const writer = { write: () => Promise.resolve([]), close: () => Promise.resolve() };
    await Promise.all(this.#sinks.map((sink) => sink.open(writer)));
    this.#bound.last = last;
    this.#feed = this.#feedUpTo(last);
    await this.#feed.open(manifest);
  }

  /** Takes turns until message `to` has been processed, or the input has ended. @throws what a turn throws; TIMEOUT when nothing comes */
  async runTo(to: number): Promise<void> {
    this.#bound.last = to;
    while (this.position < to || this.#isUnfinished) {
      if (this.#failure !== undefined) throw this.#failure;
      if (!this.#said.hasRoom || this.#turns % turnsPerTask === turnsPerTask - 1) await this.#pause();
      const result = this.#turn();
      if (result === "awaiting") await this.#runBatch();
      if (result === "ended" && this.#subject.split !== undefined) return;
      if (result === "empty") await this.#untilReadable(to);
    }
  }

  close(): void {
    this.#feed?.close();
    this.#said.close();
  }

  #turn(): ReturnType<Feed["turn"]> {
    const { feed } = this;
    const before = this.outputs.count;
    this.#announce(feed.position);
    const turn = () => feed.turn(true);
    const isDeterministic = this.#subject.plan.options.deterministicGlobals;
    const result = isDeterministic ? runDeterministically(this.#program, turn) : turn();
    this.#isUnfinished = result === "unfinished" || result === "awaiting";
    // Nobody makes the calls: their results are in the inbox.
    this.#program.takeRequests();
    if (result === "empty") return result;
    this.#turns += 1;
    this.outputs.position = feed.position;
    this.#said.flush();
    this.#trace.afterTurn(feed.position, this.outputs.count - before, this.#isUnfinished);
    return result;
  }

  /** A batch turn awaits its function, as it did (R14). */
  async #runBatch(): Promise<void> {
    const { batch } = this.#program;
    if (batch !== undefined) this.#program.finishBatch(await this.#batches.run(batch));
  }

  /** Once for each message, though it may have to be waited for. */
  #announce(position: number): void {
    if (this.#isUnfinished || this.#announced === position) return;
    this.#announced = position;
    this.#trace.beforeTurn(position);
  }

  #feedUpTo(last: number): Feed {
    const { plan, stage, id, split, log, platform, ends, startedMs } = this.#subject;
    const events = {
      onReadable: () => this.#wake(),
      onFailed: (error: unknown) => {
        this.#failure = error;
        this.#wake();
      },
    };
    if (split === undefined) {
      if (log === undefined) throw new StreamError("NOT_FOUND", `${stage.name} has neither an inbox nor a split`);
      const owner = { plan, stage, partition: id.partition, epoch: noEpoch };
      const bounded = boundedLog(log, last, (entry) => this.#trace.taken(entry));
      return new InboxFeed(owner, bounded, this.#program, events);
    }
    const reader = stage.source?.reader;
    if (reader === undefined) throw new StreamError("NOT_FOUND", `${stage.name} has no source`);
    if (reader.kind === "push" && log === undefined) throw new StreamError("NOT_FOUND", `${stage.name} has no ingress`);
    const source = reader.kind === "replayable" || log === undefined ? reader : ingressSource(log, reader);
    if (source.kind === "push") throw new StreamError("NOT_FOUND", `${stage.name} has no ingress`);
    const wholeMs = stage.source !== undefined && isWhole(stage.source) ? startedMs : undefined;
    const surroundings = { clock: platform.clock, ends, isAligned: false, wholeMs };
    return new SplitFeed(split, this.#bound.bind(source), this.#program, surroundings, events);
  }

  #sink(name: string, spec: Stage["sinks"][number]["spec"]): SinkQueue {
    const state = this.#subject.manifest?.sinks.find(({ sink }) => sink === name);
    this.#rows.set(name, 0);
    const count = (value: unknown): unknown => {
      const taken = spec.encode === undefined ? value : spec.encode(value);
      this.#rows.set(name, (this.#rows.get(name) ?? 0) + 1);
      return taken;
    };
    const cut = state === undefined ? undefined : { ...state, prepared: [] };
    return new SinkQueue(name, { guarantee: "atLeastOnce", encode: count }, cut, this.#subject.platform, {
      onProgress: () => undefined,
      onRefused: () => Promise.resolve(),
      onFailed: (error) => {
        this.#failure = error;
      },
    });
  }

  #wake(): void {
    this.#isReadable.resolve();
    this.#isReadable = Promise.withResolvers<void>();
  }

  async #untilReadable(to: number): Promise<void> {
    const { clock } = this.#subject.platform;
    const { promise } = this.#isReadable;
    let isSilent = false;
    const cancel = clock.schedule(silenceMsMax, () => {
      isSilent = true;
      this.#wake();
    });
    await promise;
    cancel();
    if (!isSilent) return;
    const what = `after position ${this.position} nothing has come for ${silenceMsMax / 1_000} s; ${to} was asked for`;
    throw new StreamError("TIMEOUT", `${this.#subject.stage.name}/${this.#subject.id.partition}: ${what}`);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#subject.platform.clock.schedule(0, resolve));
  }
}
