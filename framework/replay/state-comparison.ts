/**
 * Whether a replayed instance has come to the state that the job's own snapshot has at the same message.
 *
 * Owns the comparison: keyed state by segment, everything else of the manifest by value. Restoring and going on gives the same bytes as never having
 * stopped, so bytes are compared.
 */
import { sha256Hex } from "../platform/digest.ts";
import type { Manifest } from "../record/snapshot-record.ts";
import { blobBytesMax } from "../log/contracts.ts";
import type { ReplayedInstance } from "./replayed-instance.ts";

/** Names what differs between the replayed instance and the snapshot `manifest`; `from` is the snapshot that the replay began with. Empty: nothing. */
export function differentState(replayed: ReplayedInstance, manifest: Manifest, from: Manifest | undefined): string[] {
  const cut = replayed.program.cut();
  while (!cut.encodeSome(Number.MAX_SAFE_INTEGER));
  const feed = replayed.feed.state();
  const different: string[] = [];
  const compare = (what: string, here: unknown, there: unknown) => {
    if (canonical(here) !== canonical(there))
      different.push(`${what}: ${canonical(here)} here, ${canonical(there)} there`);
  };
  compare("processing time", cut.nowMs, manifest.nowMs);
  compare("random numbers", cut.random, manifest.random);
  compare("counts", cut.counts, manifest.counts);
  compare("watermark", feed.watermark, manifest.watermark);
  compare("channels out", byEdge(replayed.channels), byEdge(manifest.channelsOut));
  compare("channels in", byEdge(feed.channelsIn.map(withoutEpoch)), byEdge(manifest.channelsIn.map(withoutEpoch)));
  compare("letters given again", feed.redelivered, manifest.redelivered);
  compare("state of operators", sha256Hex(cut.operators), sha256Hex(manifest.operators));
  return [...different, ...differentSegments(cut.segments(), manifest, from)];
}

function differentSegments(
  written: readonly { readonly segment: number; readonly bytes: Uint8Array | undefined }[],
  manifest: Manifest,
  from: Manifest | undefined,
): string[] {
  const here = new Map(
    (from?.segments ?? []).map(({ segment, chunks }) => [segment, chunks.map(({ sha256 }) => sha256)]),
  );
  for (const { segment, bytes } of written) {
    if (bytes === undefined) here.delete(segment);
    else here.set(segment, digests(bytes));
  }
  const there = new Map(manifest.segments.map(({ segment, chunks }) => [segment, chunks.map(({ sha256 }) => sha256)]));
  const all = [...new Set([...here.keys(), ...there.keys()])].toSorted((a, b) => a - b);
  return all
    .filter((segment) => canonical(here.get(segment) ?? []) !== canonical(there.get(segment) ?? []))
    .map((segment) => `keyed state, segment ${segment}`);
}

function digests(bytes: Uint8Array): string[] {
  const parts: string[] = [];
  for (let at = 0; at < bytes.byteLength; at += blobBytesMax)
    parts.push(sha256Hex(bytes.subarray(at, at + blobBytesMax)));
  return parts;
}

/** Which incarnation said a record is no state of its receiver's that the program could see; a record said by two may have been taken from either. */
function withoutEpoch({ edge, from, last, check }: Manifest["channelsIn"][number]): object {
  return { edge, from, last, check };
}

function byEdge(states: readonly object[]): readonly string[] {
  return states.map((state) => canonical(state)).toSorted();
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "number" && !Number.isFinite(part)) return String(part);
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
