/**
 * Everything of the framework that reads bytes or text from outside.
 */
import { crc32 } from "node:zlib";
import { parseInjections } from "../../actor/injection.ts";
import { job } from "../../api/job.ts";
import { discard } from "../../connectors/callback.ts";
import { fromArray } from "../../connectors/memory.ts";
import { parseReplicas } from "../../environment.ts";
import { parseHoldingName } from "../../log/holding-name.ts";
import { checkName } from "../../log/names.ts";
import type { Outlet } from "../../operator/outlet.ts";
import { StageProgram } from "../../operator/program.ts";
import { compile } from "../../plan/compile.ts";
import { jobDefaults, resolveOptions } from "../../plan/options.ts";
import { edgesIn, stagesIn } from "../../plan/plan-text.ts";
import type { Stage } from "../../plan/plan.ts";
import { parseLogLevel } from "../../platform/logger.ts";
import { defaultCodec } from "../../record/default-codec.ts";
import { decodeMessage, encodeControl, encodeFrame, SectionWriter } from "../../record/frame.ts";
import { json } from "../../record/json-codec.ts";
import type { Control, JobLogRecord, Report } from "../../record/messages.ts";
import type { Manifest } from "../../record/snapshot-record.ts";
import { decodeJobLogRecord, encodeJobLogRecord } from "../../record/wire/job-log.ts";
import { decodeJobRecord, encodeJobRecord } from "../../record/wire/job-record.ts";
import { decodeSettled, decodeSuspect, encodeSettled, encodeSuspect } from "../../record/wire/poison.ts";
import { decodeAnnouncement, decodeHeartbeat, encodeHeartbeat } from "../../record/wire/presence.ts";
import { decodeReportBatch, encodeReportBatch } from "../../record/wire/report.ts";
import { decodeManifest, decodePointer, encodeManifest, encodePointer } from "../../record/wire/snapshot.ts";
import { value } from "../../state/descriptors.ts";
import { parsePort } from "../../telemetry/options.ts";
import { type Duration, parseDuration } from "../../time/duration.ts";
import { tumbling } from "../../window/assigner.ts";
import type { FuzzTarget } from "./target.ts";

const values: readonly unknown[] = [
  { key: "a", at: 1, ok: true },
  { key: "b", at: 2.5, ok: false },
  { key: "__proto__", at: -0, ok: true },
  { at: 4, other: [1, "two", null, undefined, 5n, new Date(0), new Uint8Array([1, 2])] },
  "text",
  Number.NaN,
];
const instance = { stage: 1, partition: 2 };

function frameOf(some: readonly unknown[], codec?: ReturnType<typeof json>): Uint8Array {
  const records = new SectionWriter(codec);
  for (const [at, each] of some.entries()) records.add(each, at % 2 === 0 ? at : undefined);
  const header = { edge: 0, from: 1, epoch: 7, first: 1, count: some.length, check: 3 };
  return encodeFrame([{ header, records }]);
}

const controls: readonly Control[] = [
  { kind: "epochStart", instance, epoch: 7, floors: [{ edge: 0, last: 3 }] },
  { kind: "watermark", edge: 0, leader: 3, n: 4, upto: 9, watermark: 1_000, isIdle: false },
  { kind: "tick" },
  { kind: "refusal", sink: "out", number: 3, reason: "no", value: defaultCodec.encode("row"), timestamp: 5 },
  { kind: "redelivery", letter: 3, edge: 0, value: defaultCodec.encode({ n: 1 }), timestamp: 5 },
];

/** Frames and controls begin with a CRC-32 of the rest, behind a tag. */
function withChecksum(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 5) return bytes;
  const repaired = Uint8Array.from(bytes);
  new DataView(repaired.buffer).setUint32(1, crc32(repaired.subarray(5)), true);
  return repaired;
}

const message: FuzzTarget = {
  name: "message",
  samples: [
    frameOf(values),
    frameOf(values.slice(0, 3)),
    frameOf([1, 2, 3, 4.5]),
    frameOf(["a", "b"], json()),
    ...controls.map((control) => encodeControl(control)),
  ],
  feed(bytes) {
    const read = decodeMessage(bytes);
    if (read.kind === "frame")
      for (const section of read.sections) section.decode(section.edge === 1 ? json() : undefined);
  },
  repair: withChecksum,
};

const counts = { recordsIn: 1, recordsOut: 2, late: 0, deadLetters: 0, windowsOut: 1 };
const chunk = { name: "sums.0.7.1.-1.0.ab", offset: 0, length: 12, sha256: "ab".repeat(32) };
const manifest: Manifest = {
  format: 1,
  generation: 1,
  stage: "sums",
  partition: 0,
  sequence: 12,
  epoch: 7,
  codeVersion: "v",
  runtimeVersion: "v24",
  anchor: 1,
  storedAtMs: 1_700_000_000_000,
  leader: 3,
  watermark: -Infinity,
  nowMs: 5,
  random: 1,
  channelsIn: [{ edge: 0, from: 1, epoch: 7, last: 3, check: 1 }],
  channelsOut: [{ edge: 1, to: 0, last: 3, check: 1 }],
  edges: [{ edge: 0, watermark: 5, isIdle: false, epoch: 7, n: 2 }],
  sinks: [{ sink: "out", last: 3, prepared: [new Uint8Array([1])], refused: 0 }],
  redelivered: [{ first: 1, last: 3 }],
  segments: [{ segment: 1, chunks: [chunk] }],
  operators: defaultCodec.encode([1, []]),
  counts,
};

const load = { lag: 0, inboxBytes: 1, snapshotAt: 2, snapshotDurationMs: 3, snapshotBytes: 4, turnP99Ms: 0.5 };
const report: Report = {
  instance,
  epoch: 7,
  n: 1,
  position: 2,
  watermark: 3,
  activity: "active",
  due: Infinity,
  state: "running",
  snapshot: 0,
  failure: "",
  counts,
  load,
};

const jobLog: readonly JobLogRecord[] = [
  { kind: "leaderStart", worker: "w" },
  { kind: "assignment", leader: 1, instance, worker: "w", cause: "crash", detail: "why" },
  { kind: "split", leader: 1, stage: 0, index: 0, name: "a.csv", identity: "x" },
  { kind: "splitsClosed", leader: 1, stage: 0 },
  { kind: "outcome", leader: 1, outcome: "failed", code: "CORRUPT", message: "why" },
  { kind: "command", command: "stop", by: "ada" },
];

const record = {
  generation: 1,
  plan: "job plant\nstage a, 2 partitions\nedge a.b keyed, codec default\n",
  planHash: "h",
  version: "v",
  state: "running",
  message: "",
  position: 3,
  logCreatedMs: 1_700_000_000_000,
} as const;

/** A target of protobuf messages. */
function decoder(name: string, decode: (bytes: Uint8Array) => unknown, samples: readonly Uint8Array[]): FuzzTarget {
  return { name, samples, feed: (bytes) => void decode(bytes) };
}

/** A target of text. */
function parser(name: string, parse: (text: string) => unknown, samples: readonly string[]): FuzzTarget {
  const feed = (bytes: Uint8Array): void => void parse(Buffer.from(bytes).toString("utf8"));
  return { name, samples: samples.map((text) => Buffer.from(text)), feed };
}

const silent: Outlet = {
  emit: () => undefined,
  write: () => undefined,
  deadLetter: () => undefined,
  mark: () => undefined,
  undo: () => undefined,
};

/** A stage with windows, and one with state and timers, behind a keyed edge each. */
function keyedStages(): readonly Stage[] {
  const plant = job("fuzzed", { partitions: 1 });
  const readings = plant.source("readings", fromArray<{ key: string; at: number }>([])).timestamps((each) => each.at);
  readings
    .keyBy((each) => each.key)
    .window(tumbling("1s"))
    .aggregate((of) => ({ n: of.count(), at: of.max((each) => each.at) }))
    .to(discard());
  readings
    .keyBy((each) => each.key)
    .process({
      state: { last: value<unknown>() },
      process(each, { state, timers }) {
        state.last.set(each);
        timers.onEventTime(each.at + 10);
        return [];
      },
      onTimer: () => [],
    })
    .to(discard());
  return compile(plant, { defaults: jobDefaults, version: "1" }).stages.filter(({ source }) => source === undefined);
}

function programOf(stage: Stage): StageProgram {
  return new StageProgram(stage, silent, { onError: "deadLetter", seed: 1 });
}

function segmentTarget(stage: Stage): FuzzTarget {
  const program = programOf(stage);
  for (const [at, key] of ["a", "b", "__proto__", "é"].entries()) {
    program.select(key);
    program.process({ key, at: at * 700 }, at * 700);
  }
  const cut = program.cut();
  while (!cut.encodeSome(1_000_000));
  const segments = cut.segments().flatMap(({ segment, bytes }) => (bytes === undefined ? [] : [{ segment, bytes }]));
  const { operators, nowMs, random } = cut;
  const [first] = segments;
  return {
    name: `state of ${stage.name}`,
    samples: segments.map(({ bytes }) => bytes),
    feed: (bytes) =>
      programOf(stage).restore({
        segments: [{ segment: first?.segment ?? 0, bytes }],
        operators,
        nowMs,
        random,
        counts,
        watermark: -Infinity,
      }),
    repair: (bytes) => {
      if (bytes.length < 4) return bytes;
      const repaired = Uint8Array.from(bytes);
      new DataView(repaired.buffer).setUint32(0, crc32(repaired.subarray(4)), true);
      return repaired;
    },
  };
}

/** Options as a program would pass them on from a file. */
function options(text: string): void {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return;
  }
  if (typeof read === "object" && read !== null) resolveOptions(read);
}

/** All targets. */
export const fuzzTargets: readonly FuzzTarget[] = [
  message,
  decoder(
    "value",
    (bytes) => defaultCodec.decode(bytes),
    values.map((each) => defaultCodec.encode(each)),
  ),
  decoder("json", (bytes) => json().decode(bytes), [Buffer.from('{"a":[1,2,{"__proto__":null}]}'), Buffer.from("-0")]),
  decoder("manifest", decodeManifest, [encodeManifest(manifest)]),
  decoder("pointer", decodePointer, [
    encodePointer({ token: "t", epoch: 7, identity: "1", current: undefined, previous: undefined, skips: [] }),
    encodePointer({
      token: "t",
      epoch: 7,
      identity: "1",
      current: { sequence: 3, manifest: [chunk] },
      previous: { sequence: 2, manifest: [chunk, chunk] },
      skips: [{ sequence: 4, step: 1, reason: "it never ends" }],
    }),
  ]),
  decoder("settled", decodeSettled, [encodeSettled({ epochs: [3, 17, 18] })]),
  decoder("suspect", decodeSuspect, [
    encodeSuspect({ instance: { stage: 1, partition: 2 }, epoch: 7, site: { sequence: 4, step: 1 }, isCertain: true }),
  ]),
  decoder(
    "job log",
    decodeJobLogRecord,
    jobLog.map((each) => encodeJobLogRecord(each)),
  ),
  decoder("job register", decodeJobRecord, [encodeJobRecord(record)]),
  decoder("reports", decodeReportBatch, [encodeReportBatch({ worker: "w", reports: [report, report] })]),
  decoder("heartbeat", decodeHeartbeat, [encodeHeartbeat({ leader: 7, worker: "w", loopRound: 3 })]),
  decoder("announcement", decodeAnnouncement, [encodeHeartbeat({ leader: 7, worker: "w", loopRound: 3 })]),
  ...keyedStages().map(segmentTarget),
  parser("plan text", (text) => [stagesIn(text), edgesIn(text)], [
    record.plan,
    "stage s, by split, idle after 30s, reads x",
  ]),
  parser("holding name", parseHoldingName, [
    "TM_job_1_IN_sums_3",
    "KV_TM_job",
    "TM_job_1_INGRESS_a_0",
    "TM_job_12_LOG",
  ]),
  parser("name", (text) => checkName(text, "stage"), ["average-2", "a.b", "A", ""]),
  parser("duration", (text) => parseDuration(text as Duration, "--for"), ["10s", "1.5h", "250ms", "1e9d", "-1s"]),
  parser("injection", (text) => parseInjections([text]), ["crash:average/1@500", "pause:average/1@500:2s"]),
  parser("options", options, [
    '{"partitions":4,"snapshotInterval":"5s","restart":{"max":3,"within":"1m"},"onError":"drop"}',
  ]),
  parser("port", (text) => parsePort(text, "--port"), ["9464", "0", "65536"]),
  parser("replicas", (text) => parseReplicas(text, "--replicas"), ["1", "3", "4"]),
  parser("log level", (text) => parseLogLevel(text, "--log-level"), ["debug", "warn"]),
];
