/**
 * Whether savepoints are what they say they are (R17).
 *
 * Owns what has been seen of them: requests and ends in the job log, registers, reports. Judged are completeness (every chunk that a complete savepoint names is there, as it was
 * written, from then on), the cut (for each channel the receiver's copy has read what the sender's copy has said), the freeze (who is frozen reads nothing),
 * and the end (no savepoint is open when the job has completed).
 */
import { sha256Hex } from "../../platform/digest.ts";
import type { Plan } from "../../plan/plan.ts";
import { instanceKey, JobLogView } from "../../protocol/job-log.ts";
import { gapsOf } from "../../protocol/savepoint.ts";
import { savepointRegisters, type JobNames } from "../../log/names.ts";
import type { InstanceId } from "../../record/messages.ts";
import type { SavepointRecord } from "../../record/savepoint-record.ts";
import type { ChunkRef, Manifest } from "../../record/snapshot-record.ts";
import { decodeJobLogRecord } from "../../record/wire/job-log.ts";
import { decodeReportBatch } from "../../record/wire/report.ts";
import { decodeSavepointIndex, decodeSavepointRecord } from "../../record/wire/savepoint.ts";
import { decodeManifest } from "../../record/wire/snapshot.ts";
import type { Violation } from "./contract.ts";

/** Where a frozen incarnation stands. */
interface Standing {
  readonly savepoint: number;
  readonly position: number;
}

/** What has been read by a receiver and not said by its sender, when an instance was restarted in the middle. */
const gapPattern = /has said (\d+) records over .*, and .* has read (\d+)/;

/** Watches the savepoints of one generation. */
export class SavepointOracle {
  readonly violations: Violation[] = [];
  readonly #plan: Plan;
  readonly #generation: number;
  readonly #reportsSubject: string;
  readonly #blobs: ReadonlyMap<string, Uint8Array>;
  readonly #view = new JobLogView();
  readonly #complete = new Map<string, SavepointRecord>();
  readonly #frozen = new Map<string, Standing>();
  #isBroken = false;
  /** Up to where savepoints have been followed by a resume, or by a restart of the generation. */
  #wentOn = 0;

  /** `blobs`: those of the savepoints. */
  constructor(plan: Plan, names: JobNames, blobs: ReadonlyMap<string, Uint8Array>) {
    this.#plan = plan;
    this.#generation = names.generation;
    this.#reportsSubject = names.reportsSubject;
    this.#blobs = blobs;
  }

  /** A job log that has lost something is read no more: what it says then is beyond the model. */
  onJobLog(sequence: number, storedAtMs: number, payload: Uint8Array): void {
    this.#isBroken ||= sequence !== this.#view.position + 1;
    if (this.#isBroken) return;
    const record = decodeJobLogRecord(payload);
    this.#view.apply(sequence, storedAtMs, record);
    if (record.kind === "resume") this.#wentOn = Math.max(this.#wentOn, record.savepoint);
    if (record.kind === "command" && record.command === "restart") this.#wentOn = sequence;
    if (record.kind !== "savepointEnd") return;
    const [, said = "0", read = "0"] = gapPattern.exec(record.reason) ?? [];
    // A source that begins again is behind what it has said; nobody is ever ahead of who has come to the savepoint behind it.
    if (Number(said) > Number(read)) this.#violated(`a cut is none: ${record.reason}`);
  }

  onRegistered(key: string, value: Uint8Array): void {
    if (!key.startsWith(savepointRegisters)) return;
    const record = decodeSavepointRecord(value);
    if (record.state !== "complete" || record.generation !== this.#generation) return;
    this.#complete.set(key, record);
    this.#check(key, record, true);
  }

  onPublished(subject: string, payload: Uint8Array): void {
    if (subject !== this.#reportsSubject) return;
    for (const { instance, epoch, position, freeze } of decodeReportBatch(payload).reports) {
      if (freeze === undefined) continue;
      const key = `${instanceKey(instance)}@${epoch}`;
      const before = this.#frozen.get(key);
      if (before?.savepoint === freeze.savepoint && before.position !== position)
        this.#violated(`${key} is frozen at ${before.position}, and has read ${position}`);
      this.#frozen.set(key, { savepoint: freeze.savepoint, position });
    }
  }

  /** Whether that savepoint was the generation's last moment: it was stopped by it, or held by it and never resumed. */
  hasEndedBy(savepoint: number): boolean {
    const view = this.#view.savepoints.of(savepoint);
    const isOver = view !== undefined && view.mode !== "resume" && (view.state === "complete" || view.state === "held");
    return isOver && !this.#isBroken && this.#wentOn < savepoint;
  }

  /** The job has completed, by this generation or another one: then nothing is open, and what is complete is still there. */
  atCompletion(isLast: boolean): readonly Violation[] {
    const { open } = this.#view.savepoints;
    if (isLast && open !== undefined && !this.#isBroken)
      this.#violated(`savepoint ${open.name} is still ${open.state}`);
    for (const [key, record] of this.#complete) this.#check(key, record, false);
    return this.violations;
  }

  #check(key: string, record: SavepointRecord, isNew: boolean): void {
    try {
      const index = decodeSavepointIndex(this.read(record.index));
      const members = index.stages.flatMap((stage, at) =>
        stage.instances.map(({ partition, manifest }) => this.#member({ stage: at, partition }, manifest)),
      );
      const expected = this.#plan.stages.flatMap((stage) => [...this.#view.instancesOf(stage)]);
      if (isNew && !this.#isBroken && members.length < expected.length)
        this.#violated(`${key} has ${members.length} of ${expected.length} instances`);
      for (const { edge, from, to, said, read } of gapsOf(this.#plan.edges, members)) {
        const name = this.#plan.edges[edge]?.name ?? edge;
        this.#violated(`${key}: ${name}: ${instanceKey(from)} has said ${said}, ${instanceKey(to)} has read ${read}`);
      }
    } catch (error) {
      this.#violated(`${key}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** With all of its state read, too. */
  #member(instance: InstanceId, chunks: readonly ChunkRef[]): Manifest & { readonly instance: InstanceId } {
    const manifest = decodeManifest(this.read(chunks));
    for (const segment of manifest.segments) this.read(segment.chunks);
    return { ...manifest, instance };
  }

  /** Bytes of a savepoint. @throws when they are not there, or not what was written */
  read(chunks: readonly ChunkRef[]): Uint8Array {
    const parts = chunks.map(({ name, offset, length, sha256 }) => {
      const bytes = this.#blobs.get(name)?.subarray(offset, offset + length);
      if (bytes === undefined) throw new Error(`chunk ${name} is not there`);
      if (sha256Hex(bytes) !== sha256) throw new Error(`chunk ${name} is not what was written`);
      return bytes;
    });
    return Buffer.concat(parts);
  }

  #violated(what: string): void {
    this.violations.push({ oracle: "R17", what });
  }
}
