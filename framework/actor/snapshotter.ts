/**
 * Takes the snapshots of one incarnation, one at a time.
 *
 * Owns the manifests that the pointer names, and the order of a snapshot: cut; chunks, manifest and acks, beside each other; pointer, commit, trim, collect.
 *
 * R6. The cut is instant; segments are encoded in slices between turns; chunks and manifest are there, and have been read back, before the pointer names them.
 * H1. The pointer moves when every output caused up to the cut is acknowledged, and every sink has accepted or prepared what it was given.
 * R7. Trimming follows the pointer, and leaves the previous retained snapshot its messages.
 */
import type { StateCut, StageProgram } from "../operator/program.ts";
import { collectable, sweepable, trimTarget } from "../protocol/snapshot.ts";
import type { ChunkRef, Manifest, SegmentState, SnapshotRef } from "../record/snapshot-record.ts";
import type { Feed, FeedState } from "./feed.ts";
import type { Outputs } from "./outputs.ts";
import type { PointerRegister } from "./pointer-register.ts";
import type { SinkCut, SinkQueue } from "./sink-queue.ts";
import type { FiledSegments, SnapshotStore } from "./snapshot-store.ts";

/** Version of the manifest's format that this runtime writes and reads. */
export const manifestFormat = 1;

/** Bytes of state encoded before the event loop gets a chance, at most … */
const sliceBytesMax = 256 * 1024;
/** … and of what is read between two snapshots: where those are small, so is everything. */
const slicesPerSnapshot = 8;

/** The parts of an incarnation that a snapshot is taken of. */
export interface SnapshotSubject {
  readonly identity: Pick<Manifest, "generation" | "stage" | "partition" | "epoch" | "codeVersion" | "runtimeVersion">;
  readonly program: StageProgram;
  readonly feed: Feed;
  readonly outputs: Outputs;
  readonly sinks: readonly SinkQueue[];
  readonly pointer: PointerRegister;
  readonly store: SnapshotStore;
  /** What is read between two snapshots, as the job has it. */
  readonly snapshotBytes: number;
  /** Resolves when everything up to the ordinal is acknowledged. */
  acknowledged(ordinal: number): Promise<void>;
  /** Resolves in a later task. */
  pause(): Promise<void>;
}

/** A snapshot that the pointer names, with its manifest. */
export interface RetainedSnapshot {
  readonly ref: SnapshotRef;
  readonly manifest: Manifest;
}

interface Cut {
  readonly state: StateCut;
  readonly feed: FeedState;
  readonly channelsOut: Manifest["channelsOut"];
  readonly ordinal: number;
  readonly sinks: Promise<SinkCut[]>;
}

/** A snapshot that is in the store, with what its sinks have said. */
interface Taken extends RetainedSnapshot {
  readonly sinks: readonly SinkCut[];
}

/** Takes snapshots. */
export class Snapshotter {
  readonly #subject: SnapshotSubject;
  #retained: RetainedSnapshot[];
  #count = 0;
  #hasSwept = false;

  /** `retained`: what the pointer named at the claim, newest first. */
  constructor(subject: SnapshotSubject, retained: readonly RetainedSnapshot[]) {
    this.#subject = subject;
    this.#retained = [...retained];
  }

  /** The manifest that the pointer names; undefined before the first. */
  get current(): Manifest | undefined {
    return this.#retained[0]?.manifest;
  }

  /**
   * Takes one snapshot of the state between two turns; call it there, and never twice at a time. Answers its size: the bytes that a restore reads.
   *
   * `isRelease`: the instance goes elsewhere, and its keys wait: its successor trims and collects, with its own first snapshot.
   *
   * @throws FENCED, CORRUPT, UNAVAILABLE
   */
  async take(isRelease = false): Promise<number> {
    this.#count += 1;
    const cut = this.#cut();
    const { segments, stored } = await this.#putSegments(cut.state);
    const acknowledged = this.#subject.acknowledged(cut.ordinal);
    const [taken] = await Promise.all([this.#putManifest(cut, segments), stored, acknowledged]);
    const { ref, manifest, sinks } = taken;
    const pointer = await this.#subject.pointer.advance(ref);
    const dropped = this.#retained[1];
    this.#retained = [{ ref, manifest }, ...this.#retained.slice(0, 1)];
    await Promise.all(this.#subject.sinks.map((sink, index) => this.#commit(sink, sinks[index])));
    if (!isRelease) await this.#tidy(trimTarget(pointer), dropped);
    return chunksOf({ ref, manifest }).reduce((sum, { length }) => sum + length, 0);
  }

  async #tidy(trimTo: number | undefined, dropped: RetainedSnapshot | undefined): Promise<void> {
    if (trimTo !== undefined) await this.#subject.feed.trim(trimTo);
    await this.#collect(dropped);
  }

  async #commit(sink: SinkQueue, state: SinkCut | undefined): Promise<void> {
    if (state !== undefined) await sink.commit(state);
  }

  #cut(): Cut {
    const { program, feed, outputs, sinks } = this.#subject;
    return {
      state: program.cut(),
      feed: feed.state(),
      channelsOut: outputs.states(),
      ordinal: outputs.ordinal,
      sinks: Promise.all(sinks.map((sink) => sink.cut())),
    };
  }

  /** The sinks have accepted or prepared what the cut holds when it is said where they stand (H1). */
  async #putManifest(cut: Cut, segments: readonly SegmentState[]): Promise<Taken> {
    const sinks = await cut.sinks;
    const manifest = this.#manifest(cut, segments, sinks);
    return { ref: await this.#subject.store.putManifest(this.#count, manifest), manifest, sinks };
  }

  async #putSegments(state: StateCut): Promise<FiledSegments> {
    const sliceBytes = Math.min(sliceBytesMax, this.#subject.snapshotBytes / slicesPerSnapshot);
    while (!state.encodeSome(sliceBytes)) await this.#subject.pause();
    const known = new Map((this.#retained[0]?.manifest.segments ?? []).map((segment) => [segment.segment, segment]));
    const changed: { readonly segment: number; readonly bytes: Uint8Array }[] = [];
    for (const { segment, bytes } of state.segments()) {
      known.delete(segment);
      if (bytes !== undefined) changed.push({ segment, bytes });
    }
    const filed = this.#subject.store.putSegments(this.#count, changed);
    for (const segment of filed.segments) known.set(segment.segment, segment);
    return { segments: [...known.values()].toSorted((a, b) => a.segment - b.segment), stored: filed.stored };
  }

  #manifest(cut: Cut, segments: readonly SegmentState[], sinks: readonly SinkCut[]): Manifest {
    const { nowMs, random, operators, counts } = cut.state;
    const { refused, ...feed } = cut.feed;
    return {
      format: manifestFormat,
      ...this.#subject.identity,
      ...feed,
      nowMs,
      random,
      operators,
      counts,
      channelsOut: cut.channelsOut,
      segments,
      sinks: sinks.map((sink) => ({ ...sink, refused: refused[sink.sink] ?? 0 })),
    };
  }

  async #collect(dropped: RetainedSnapshot | undefined): Promise<void> {
    const retained = this.#retained.flatMap(chunksOf);
    const { store, identity } = this.#subject;
    if (dropped !== undefined) await store.delete(collectable(chunksOf(dropped), retained));
    if (this.#hasSwept) return;
    this.#hasSwept = true;
    const names = await store.list(`${identity.stage}.${identity.partition}.`);
    await store.deleteNamed(sweepable(names, identity.epoch, retained));
  }
}

function chunksOf({ ref, manifest }: RetainedSnapshot): ChunkRef[] {
  return [...ref.manifest, ...manifest.segments.flatMap((segment) => segment.chunks)];
}
