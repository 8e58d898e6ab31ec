/**
 * A rehearsal: what an instance has done between its last two snapshots is done again by somebody who does not own it, and nobody hears of it.
 *
 * Owns the run alone. It is for its side effect: code that has run is compiled, and the connection, the store and the log have been used, before keys wait for
 * the first instance that moves here.
 *
 * RH1. Nothing is claimed, said, appended or written; sinks and calls outside are not reached.
 * RH2. Only messages that the owner has survived are taken: both snapshots are there. So what ends a process (R15) is not met here; steps that are skipped are
 *      skipped here, too.
 * RH3. It may end at any point, and fail in any way: nothing rests on it.
 */
import { messageOf, StreamError } from "../errors.ts";
import { runDeterministically } from "../platform/determinism.ts";
import type { StageProgram } from "../operator/program.ts";
import type { SinkNode, Stage } from "../plan/plan.ts";
import { encodeFrame } from "../record/frame.ts";
import type { InstanceId } from "../record/messages.ts";
import { decodePointer } from "../record/wire/snapshot.ts";
import { checkManifest, programOf, restoreState, watched } from "./assembly.ts";
import type { ChannelOut } from "./channel-out.ts";
import type { InstanceHost } from "./host.ts";
import { InboxFeed } from "./inbox-feed.ts";
import { type OutputLane, Outputs } from "./outputs.ts";
import { SinkQueue } from "./sink-queue.ts";
import { SnapshotStore } from "./snapshot-store.ts";

/** What is enough for the code to be warm: messages … */
const messagesMax = 1_000;
/** … and time that turns take, ms. */
const busyMsMax = 1_500;
/** What comes from the log comes within this, ms. */
const silenceMsMax = 2_000;
/** Others work in the same process: it gets its chance after so much of turns, ms. */
const sliceMs = 2;
/** Of no incarnation: every epoch-start in the inbox is somebody else's. */
const noEpoch = Number.MAX_SAFE_INTEGER;

/** Whose last snapshots are taken. */
export interface RehearsedInstance {
  readonly host: InstanceHost;
  readonly id: InstanceId;
  readonly stage: Stage;
  /** Nobody needs it any more. */
  readonly isOver: () => boolean;
}

/** Rehearses an instance that reads an inbox. Answers how many messages were taken; 0 when it has no two points to go between. @throws whatever is wrong */
export async function rehearse(rehearsed: RehearsedInstance): Promise<number> {
  const { host, id, stage, isOver } = rehearsed;
  const found = await host.registers.get(host.names.pointer(stage.name, id.partition));
  const { current, previous } = found === undefined ? {} : decodePointer(found.value);
  if (current === undefined || (previous === undefined && (await host.originOf(id)) !== undefined)) return 0;
  const store = new SnapshotStore(host.blobs(isOver), { stage: stage.name, partition: id.partition, epoch: 0 });
  const manifest = previous === undefined ? undefined : await store.getManifest(previous);
  const outputs = silentOutputs(rehearsed, manifest?.channelsOut ?? []);
  let position = (): number => manifest?.sequence ?? 0;
  const steps = { stage, position: () => position(), skips: host.skipsOf(id), watch: undefined };
  const program = programOf(rehearsed, watched(outputs, steps));
  if (manifest !== undefined) {
    checkManifest(manifest, stage);
    restoreState(program, stage, manifest, await store.getSegments(manifest.segments));
  }
  const inbox = await host.openInbox(id.stage, id.partition);
  const run = new Rehearsal(rehearsed, program, outputs, current.sequence);
  const feed = new InboxFeed({ plan: host.plan, stage, partition: id.partition, epoch: noEpoch }, inbox, program, run);
  position = () => feed.position;
  try {
    await feed.open(manifest);
    return await run.play(feed);
  } finally {
    feed.close();
    outputs.close();
  }
}

/** The turns of one rehearsal. */
class Rehearsal {
  readonly #of: RehearsedInstance;
  readonly #program: StageProgram;
  readonly #outputs: Outputs;
  readonly #last: number;
  #failure: unknown;
  #isReadable = Promise.withResolvers<void>();

  constructor(of: RehearsedInstance, program: StageProgram, outputs: Outputs, last: number) {
    this.#of = of;
    this.#program = program;
    this.#outputs = outputs;
    this.#last = last;
  }

  onReadable(): void {
    this.#isReadable.resolve();
  }

  onFailed(error: unknown): void {
    this.#failure = error;
    this.#isReadable.resolve();
  }

  /** Takes turns until enough is warm, or there is nothing more that the owner has survived. */
  async play(feed: InboxFeed): Promise<number> {
    const { clock } = this.#of.host.platform;
    let messages = 0;
    let busyMs = 0;
    while (feed.position < this.#last && messages < messagesMax && busyMs < busyMsMax && !this.#of.isOver()) {
      if (this.#failure !== undefined) throw this.#failure;
      const sinceMs = clock.monotonicMs();
      const before = feed.position;
      const isDry = this.#slice(feed, sinceMs + sliceMs);
      messages += feed.position - before;
      busyMs += clock.monotonicMs() - sinceMs;
      if (!isDry) await this.#later(0);
      else if (!(await this.#hasMore())) break;
    }
    return messages;
  }

  /** Answers whether nothing can be done before something else has come. */
  #slice(feed: InboxFeed, untilMs: number): boolean {
    const { platform, plan } = this.#of.host;
    const turn = () => feed.turn(true);
    for (let count = 0; feed.position < this.#last && count < messagesMax; count += 1) {
      const result = plan.options.deterministicGlobals ? runDeterministically(this.#program, turn) : turn();
      // Nobody makes the calls, and nobody runs what a batch turn awaits.
      if (this.#program.isDeferring) this.#program.takeRequests();
      this.#outputs.flush();
      if (result === "awaiting") throw new StreamError("UNAVAILABLE", "a batch turn is not rehearsed");
      if (result === "empty") return true;
      if (!this.#outputs.hasRoom) return false;
      if (platform.clock.monotonicMs() > untilMs) return false;
    }
    return false;
  }

  async #hasMore(): Promise<boolean> {
    const more = this.#isReadable.promise.then(() => true);
    const isThere = await Promise.race([more, this.#later(silenceMsMax).then(() => false)]);
    this.#isReadable = Promise.withResolvers<void>();
    return isThere;
  }

  #later(ms: number): Promise<void> {
    return new Promise((resolve) => this.#of.host.platform.clock.schedule(ms, resolve, { background: true }));
  }
}

function silentOutputs(
  { host, id, stage }: RehearsedInstance,
  channels: ConstructorParameters<typeof Outputs>[0]["channels"],
): Outputs {
  const lane = new SilentLane();
  const origin = { plan: host.plan, stage, partition: id.partition, epoch: noEpoch, channels };
  return new Outputs(
    origin,
    stage.sinks.map((sink) => silentSink(host, sink)),
    () => lane,
    { position: () => 0, onProgress: () => undefined },
  );
}

/** Rows are encoded, and go nowhere. */
function silentSink({ platform }: InstanceHost, { name, spec }: SinkNode): SinkQueue {
  const encode = (value: unknown): unknown => (spec.encode === undefined ? value : spec.encode(value));
  const queue = new SinkQueue(name, { guarantee: "atLeastOnce", encode }, undefined, platform, {
    onProgress: () => undefined,
    onRefused: () => Promise.resolve(),
    onFailed: (error) => platform.logger.log("debug", "a rehearsal's sink has failed", { reason: messageOf(error) }),
  });
  void queue.open({ write: () => Promise.resolve([]), close: () => Promise.resolve() });
  return queue;
}

/** A lane that makes frames and sends none. */
class SilentLane implements OutputLane {
  readonly hasRoom = true;
  readonly isFilling = false;
  #pending: ChannelOut[] = [];

  onPending(channel: ChannelOut): void {
    this.#pending.push(channel);
  }

  offer(): void {
    for (const channel of this.#pending.splice(0)) {
      for (let piece = channel.take(); piece !== undefined; piece = channel.take()) {
        encodeFrame([piece]);
        channel.recycle(piece);
        channel.acknowledge();
      }
    }
  }

  forget(): void {
    this.#pending = [];
  }

  join(): void {}

  leave(): void {}
}
