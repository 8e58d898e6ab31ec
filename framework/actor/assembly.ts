/**
 * Puts an incarnation together: from the snapshot that the pointer names to operators, outputs, sinks and a feed that is open behind it.
 *
 * Owns the order of a restore (R5, step 4); what is put together lives in `Incarnation` and belongs to the instance.
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Log } from "../log/contracts.ts";
import type { RefusedRow } from "../log/sink.ts";
import type { JobNames } from "../log/names.ts";
import type { Split } from "../log/source.ts";
import { isWhole, knowsStoredTimes } from "../log/source.ts";
import type { Outlet } from "../operator/outlet.ts";
import { StageProgram } from "../operator/program.ts";
import type { SinkNode, Stage } from "../plan/plan.ts";
import type { Logger } from "../platform/platform.ts";
import { programTime } from "../protocol/loop-end.ts";
import type { InstanceId } from "../record/messages.ts";
import type { Manifest, Pointer } from "../record/snapshot-record.ts";
import { BatchRunner } from "./batch-turn.ts";
import { Calls } from "./calls.ts";
import type { Feed, FeedEvents } from "./feed.ts";
import type { InstanceHost } from "./host.ts";
import { InboxFeed } from "./inbox-feed.ts";
import { ingressSource } from "./ingress.ts";
import { Outputs } from "./outputs.ts";
import type { PointerRegister } from "./pointer-register.ts";
import { Producer } from "./producer.ts";
import { runtimeVersion } from "./runtime-version.ts";
import { openWhenSettled } from "./settled-open.ts";
import { SinkQueue } from "./sink-queue.ts";
import { SnapshotStore, type StoredSegment } from "./snapshot-store.ts";
import { manifestFormat, Snapshotter, type RetainedSnapshot } from "./snapshotter.ts";
import { SplitFeed } from "./split-feed.ts";
import { WatchedOutlet, type StepWatch } from "./watched-outlet.ts";

/** How often something that must become true is looked at again, ms. */
export const lookMs = 5;

/** The working parts of an incarnation, from the restore on. */
export interface Incarnation {
  readonly program: StageProgram;
  readonly outputs: Outputs;
  readonly sinks: readonly SinkQueue[];
  readonly feed: Feed;
  readonly snapshotter: Snapshotter;
  /** Makes the calls that leave the turn (R14). */
  readonly calls: Calls;
  /** Runs what a batch turn awaits. */
  readonly batches: BatchRunner;
  /** Of a push source. */
  readonly producer: Producer | undefined;
}

/** Whose incarnation it is, and what has been claimed. */
export interface Claimed {
  readonly host: InstanceHost;
  readonly id: InstanceId;
  readonly stage: Stage;
  readonly epoch: number;
  readonly pointer: PointerRegister;
  /** The own inbox; undefined in a source stage. */
  readonly inbox: Log | undefined;
  /** Whether the incarnation has ended. */
  readonly isOver: () => boolean;
  /** What the pointer names, newest first. */
  readonly retained: readonly RetainedSnapshot[];
  /** What the newest of them holds, on its way. */
  readonly segments: Promise<readonly StoredSegment[]>;
}

/** Whom the parts tell. */
export interface AssemblyEvents extends FeedEvents {
  /** Something that was said has been acknowledged, by a log or a sink: there may be room, or a mark may have been passed. */
  onProgress(): void;
  /** A sink refuses a row for good; resolves when that is in the inbox. */
  onRefused(sink: string, refused: RefusedRow): Promise<void>;
  /** Resolves when everything up to the ordinal is acknowledged. */
  acknowledged(ordinal: number): Promise<void>;
  /** It has its state, and waits until its generation may begin; or does not wait any more. */
  onHeld(isHeld: boolean): void;
}

/** The split that an instance of a source stage reads. @throws NOT_FOUND when the job log names none */
export function splitOf({ host, id, stage }: Pick<Claimed, "host" | "id" | "stage">): Split {
  const split = host.splitOf(id.stage, id.partition);
  if (split === undefined)
    throw new StreamError("NOT_FOUND", `${stage.name}/${id.partition}: the job log names no such split`);
  return split;
}

/** The chunks of an incarnation. */
export function storeOf({
  host,
  id,
  stage,
  epoch,
  isOver,
}: Omit<Claimed, "inbox" | "retained" | "segments">): SnapshotStore {
  return new SnapshotStore(host.blobs(isOver), { stage: stage.name, partition: id.partition, epoch });
}

/** Restores the incarnation. @throws CORRUPT, SNAPSHOT_UNSUITABLE, DATA_LOST, SOURCE_CHANGED and whatever a source or sink refuses with */
export async function assemble(claimed: Claimed, events: AssemblyEvents): Promise<Incarnation> {
  const { host, id, stage, epoch, pointer } = claimed;
  const store = storeOf(claimed);
  const { retained } = claimed;
  const own = retained[0]?.manifest;
  if (own !== undefined) checkManifest(own, stage);
  // Until it has a snapshot of its own, it is what the savepoint says that its generation goes on from.
  const from = own === undefined ? await host.originOf(id) : undefined;
  const manifest = own ?? from?.manifest;
  const sinks = stage.sinks.map((node) => sinkQueue(claimed, node, manifest, events));
  let position = (): number => manifest?.sequence ?? 0;
  const origin = { plan: host.plan, stage, partition: id.partition, epoch, channels: manifest?.channelsOut ?? [] };
  const outputs = new Outputs(origin, sinks, host.findLane, {
    position: () => position(),
    onProgress: () => events.onProgress(),
  });
  const steps = { stage, position: () => position(), skips: pointer.current?.skips ?? [], watch: host.watchStep };
  const program = programOf(claimed, watched(outputs, steps));
  if (own !== undefined) restoreState(program, stage, own, await claimed.segments);
  else await from?.restore(program);
  const { feed, producer } = await feedOf(claimed, program, events);
  position = () => feed.position;
  // Of a successor: up to here nothing has been said to anybody, and the generation before it may still go on.
  await untilBegun(claimed, events);
  const replicas = stage.source === undefined ? host.plan.options.replicas : 1;
  await Promise.all([
    openWhenSettled(host.platform, replicas, () => feed.open(manifest)),
    ...sinks.map((sink, index) => openSink(claimed, sink, index, from?.generation)),
  ]);
  const identity = {
    generation: host.names.generation,
    stage: stage.name,
    partition: id.partition,
    epoch,
    codeVersion: host.codeVersion,
    runtimeVersion,
  };
  const pause = () => new Promise<void>((resolve) => host.platform.clock.schedule(0, resolve));
  const acknowledged = (ordinal: number) => events.acknowledged(ordinal);
  const { snapshotBytes } = host.plan.options;
  const subject = { program, outputs, sinks, feed, identity, pointer, store, snapshotBytes, acknowledged, pause };
  // Last of all: what fails before leaves no producer behind. Where instances stand at a savepoint none is started (SP5).
  if (!host.isDraining && host.savepoints.savepoints.standing === 0) producer?.start();
  const snapshotter = new Snapshotter(subject, retained);
  return { program, outputs, sinks, feed, snapshotter, ...callersOf(claimed, events), producer };
}

/** Names each request of an instance among all of all jobs: what callees are offered (R14). */
export function idempotencyKeys(
  { job, generation }: Pick<JobNames, "job" | "generation">,
  stage: Stage,
  { partition }: InstanceId,
): (request: { readonly sequence: number; readonly ordinal: number }) => string {
  return ({ sequence, ordinal }) => [job, generation, stage.name, partition, sequence, ordinal].join(".");
}

function callersOf({ host, id, stage }: Claimed, events: AssemblyEvents): Pick<Incarnation, "calls" | "batches"> {
  const { platform, names } = host;
  const idempotencyKey = idempotencyKeys(names, stage, id);
  const append = (payload: Uint8Array) => host.appendControl(id.stage, id.partition, payload);
  const onFailed = (error: unknown) => events.onFailed(error);
  return {
    calls: new Calls({ platform, idempotencyKey, append, onFailed }),
    batches: new BatchRunner(platform.clock, idempotencyKey),
  };
}

/** Gives back what the incarnation holds: it takes no turn any more. */
export function letGo(incarnation: Incarnation, logger: Logger): void {
  const { producer, feed, outputs, sinks, calls, batches } = incarnation;
  producer?.stop();
  calls.close();
  batches.close();
  feed.close();
  outputs.close();
  for (const sink of sinks) {
    sink
      .close()
      .catch((error: unknown) =>
        logger.log("debug", "a sink did not close", { sink: sink.name, reason: messageOf(error) }),
      );
  }
}

/** The snapshots that a pointer names, newest first. @throws CORRUPT */
export async function loadRetained(store: SnapshotStore, pointer: Pointer | undefined): Promise<RetainedSnapshot[]> {
  const refs = [pointer?.current, pointer?.previous].filter((ref) => ref !== undefined);
  return Promise.all(refs.map(async (ref) => ({ ref, manifest: await store.getManifest(ref) })));
}

/** Checks that a manifest is one that this runtime reads, and of the stage. @throws SNAPSHOT_UNSUITABLE */
export function checkManifest(manifest: Manifest, stage: Stage): void {
  if (manifest.format === manifestFormat && manifest.stage === stage.name) return;
  const found = `format ${manifest.format} of stage ${manifest.stage}`;
  throw new StreamError(
    "SNAPSHOT_UNSUITABLE",
    `the snapshot is of ${found}, expected format ${manifestFormat} of ${stage.name}`,
  );
}

function sinkQueue(
  { host }: Claimed,
  { name, spec }: SinkNode,
  manifest: Manifest | undefined,
  events: AssemblyEvents,
): SinkQueue {
  const state = manifest?.sinks.find((sink) => sink.sink === name);
  return new SinkQueue(name, spec, state, host.platform, {
    onProgress: () => events.onProgress(),
    onRefused: (refused) => events.onRefused(name, refused),
    onFailed: (error) => events.onFailed(error),
  });
}

async function untilBegun({ host, isOver }: Claimed, events: AssemblyEvents): Promise<void> {
  if (!host.isHeld) return;
  events.onHeld(true);
  while (host.isHeld && !isOver())
    await new Promise<void>((resolve) => host.platform.clock.schedule(lookMs, resolve, { background: true }));
  events.onHeld(false);
}

async function openSink(
  { host, stage, id, epoch }: Claimed,
  queue: SinkQueue,
  index: number,
  continues: number | undefined,
): Promise<void> {
  const node = stage.sinks[index];
  if (node === undefined) return;
  const { generation, job } = host.names;
  const { startedMs } = host;
  const { partition } = id;
  const identity = { job, generation, stage: stage.name, partition, sink: node.name, epoch, startedMs, continues };
  await queue.open(await node.spec.open(identity, host.ends));
}

/** What `watched` is about. */
export interface WatchedSteps extends Pick<StepWatch, "skips" | "watch"> {
  readonly stage: Stage;
  readonly position: () => number;
}

/** The outputs themselves, but where there are steps to skip or to watch (R15). */
export function watched(outputs: Outputs, { stage, position, skips, watch }: WatchedSteps): Outlet {
  if (skips.length === 0 && watch === undefined) return outputs;
  return new WatchedOutlet(outputs, { stage: stage.name, position, skips, watch });
}

/** Whose program it is. */
export interface ProgramOwner extends Pick<Claimed, "id" | "stage"> {
  readonly host: Pick<InstanceHost, "plan" | "names" | "hasManualWatermarks">;
}

/** Whether timestamps have a bound: against the time at which a record was stored, or that of the job's beginning. Against a clock, a replay would decide otherwise. */
function hasBound({ source }: Stage): boolean {
  return source !== undefined && (knowsStoredTimes(source) || isWhole(source));
}

/** The program of an instance: the same for every incarnation, and whoever replays one. */
export function programOf({ host, id, stage }: ProgramOwner, outputs: Outlet): StageProgram {
  const { onError, farFutureMs, limits } = host.plan.options;
  return new StageProgram(stage, outputs, {
    onError,
    seed: seedOf(`${stage.name}/${id.partition}`, host.names.generation),
    manualWatermarks: host.hasManualWatermarks,
    farFutureMs: hasBound(stage) ? farFutureMs : Infinity,
    stateLimits: limits,
    onlyInput: stage.inputs.length === 1 ? stage.inputs[0] : undefined,
    portOf: (edge) => host.plan.edges[edge]?.port ?? 0,
  });
}

/** Gives a program the state of a snapshot. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
export function restoreState(
  program: StageProgram,
  stage: Stage,
  manifest: Manifest,
  segments: readonly StoredSegment[],
): void {
  const { operators, nowMs, random, counts } = manifest;
  const watermark = programTime(stage, manifest.watermark);
  program.restore({ segments, operators, nowMs, random, counts, watermark });
}

async function feedOf(
  claimed: Claimed,
  program: StageProgram,
  events: FeedEvents,
): Promise<{ feed: Feed; producer: Producer | undefined }> {
  const { host, id, stage, epoch, inbox } = claimed;
  if (inbox !== undefined) {
    const owner = { plan: host.plan, stage, partition: id.partition, epoch };
    return { feed: new InboxFeed(owner, inbox, program, events), producer: undefined };
  }
  const reader = stage.source?.reader;
  if (reader === undefined) throw new StreamError("NOT_FOUND", `${stage.name} has neither an inbox nor a source`);
  const split = splitOf(claimed);
  const { ends } = host;
  const { clock } = host.platform;
  const wholeMs = stage.source !== undefined && isWhole(stage.source) ? host.startedMs : undefined;
  const surroundings = { clock, ends, isAligned: stage.maxDriftMs !== undefined, wholeMs };
  if (reader.kind === "replayable")
    return { feed: new SplitFeed(split, reader, program, surroundings, events), producer: undefined };
  const log = await host.openIngress(id.stage, id.partition);
  const onFailed = (error: unknown) => events.onFailed(error);
  const producer = new Producer(host.platform, log, reader, split, onFailed);
  return { feed: new SplitFeed(split, ingressSource(log, reader), program, surroundings, events), producer };
}

/** A seed for `ctx.random()` that is the same for every incarnation of an instance. */
function seedOf(name: string, generation: number): number {
  let seed = generation >>> 0;
  for (const character of name) seed = (Math.imul(seed, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return seed;
}
