/**
 * Every message of the Bus, the job log and the registers: what we write is what `protos/` says, and the other way round.
 */
import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StreamError } from "../../../framework/errors.ts";
import { decodeControlBody, encodeControlBody } from "../../../framework/record/wire/control.ts";
import { decodeJobLogRecord, encodeJobLogRecord } from "../../../framework/record/wire/job-log.ts";
import { decodeJobRecord, encodeJobRecord } from "../../../framework/record/wire/job-record.ts";
import {
  decodeDroppedLetters,
  decodeSettled,
  decodeSuspect,
  encodeDroppedLetters,
  encodeSettled,
  encodeSuspect,
} from "../../../framework/record/wire/poison.ts";
import {
  decodeAnnouncement,
  decodeHeartbeat,
  encodeAnnouncement,
  encodeStarterPresence,
  decodeStarterPresence,
  encodeHeartbeat,
} from "../../../framework/record/wire/presence.ts";
import {
  decodeReadLimits,
  decodeReadPause,
  decodeReportAnswer,
  decodeReportBatch,
  encodeReadLimits,
  encodeReadPause,
  encodeReportAnswer,
  encodeReportBatch,
} from "../../../framework/record/wire/report.ts";
import {
  decodeManifest,
  decodePointer,
  encodeManifest,
  encodePointer,
} from "../../../framework/record/wire/snapshot.ts";
import {
  decodeSavepointIndex,
  decodeSavepointRecord,
  encodeSavepointIndex,
  encodeSavepointRecord,
} from "../../../framework/record/wire/savepoint.ts";
import { messageType } from "./protos.ts";

const text = fc.string({ unit: "grapheme" });
const whole = fc.maxSafeNat();
const positive = fc.maxSafeNat().map((value) => Math.max(1, value));
const small = fc.nat(0xffffffff);
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const time = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(Infinity, -Infinity, 0));
const instance = fc.record({ stage: small, partition: small });
const counts = fc.record({ recordsIn: whole, recordsOut: whole, late: whole, deadLetters: whole, windowsOut: whole });
const load = fc.record({
  lag: whole,
  inboxBytes: whole,
  snapshotAt: whole,
  snapshotDurationMs: whole,
  snapshotBytes: whole,
  turnP99Ms: fc.double({ noNaN: true, min: 0 }),
  busy: fc.option(fc.double({ noNaN: true, min: 0 }), { nil: undefined }),
});
const callResult = fc.record({
  sequence: whole,
  ordinal: small,
  value: fc.uint8Array(),
  code: text,
  reason: text,
  stack: text,
});
const chunk = fc.record({ name: text, offset: whole, length: whole, sha256: text });
const few = <T>(part: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(part, { maxLength: 4 });
const kind = <K extends string>(word: K): fc.Arbitrary<K> => fc.constant(word);

/** A message under test: how it is written and read here, and where it is in `protos/`. */
interface Case {
  readonly name: string;
  readonly arbitrary: fc.Arbitrary<object>;
  readonly encode: (value: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => object;
}

const absent = <T>(part: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(part, { nil: undefined });
const site = fc.record({ sequence: whole, step: small });
const skip = fc.record({ sequence: whole, step: small, reason: text });
const suspicion = fc.record({
  deaths: small,
  isOnProbation: fc.boolean(),
  site: absent(site),
  crashes: small,
  skip: absent(skip),
});
const snapshotRef = fc.option(fc.record({ sequence: whole, manifest: few(chunk) }), { nil: undefined });

const loopCount = fc.record({
  leader: whole,
  round: whole,
  sent: whole,
  taken: whole,
  isQuiet: fc.boolean(),
  isFull: fc.boolean(),
  hasTimers: fc.boolean(),
  outside: time,
});

const cases: Case[] = [
  {
    name: "InboxMessage",
    arbitrary: fc.oneof(
      fc.record({
        kind: kind("epochStart"),
        instance,
        epoch: whole,
        floors: few(fc.record({ edge: small, last: whole })),
      }),
      fc.record({
        kind: kind("watermark"),
        edge: small,
        leader: whole,
        n: whole,
        upto: whole,
        watermark: time,
        isIdle: fc.boolean(),
        drains: absent(positive),
      }),
      fc.record({ kind: kind("tick") }),
      fc.record({
        kind: kind("refusal"),
        sink: text,
        number: whole,
        reason: text,
        value: fc.uint8Array(),
        timestamp: time,
      }),
      fc.record({ kind: kind("results"), results: few(callResult) }),
      fc.record({ kind: kind("redelivery"), letter: whole, edge: small, value: fc.uint8Array(), timestamp: time }),
    ),
    encode: encodeControlBody,
    decode: decodeControlBody,
  },
  {
    name: "JobLogRecord",
    arbitrary: fc.oneof(
      fc.record({ kind: kind("leaderStart"), worker: text }),
      fc.record({
        kind: kind("assignment"),
        leader: whole,
        instance,
        worker: text,
        cause: fc.constantFrom("start", "crash", "workerLost", "release", "balance", "poison"),
        detail: text,
        suspicion: absent(suspicion),
      }),
      fc.record({ kind: kind("split"), leader: whole, stage: small, index: small, name: text, identity: text }),
      fc.record({ kind: kind("splitsClosed"), leader: whole, stage: small }),
      fc.record({ kind: kind("command"), command: fc.constantFrom("stop", "restart", "drain"), by: text }),
      fc.record({
        kind: kind("outcome"),
        leader: whole,
        outcome: fc.constantFrom("completed", "failed"),
        code: text,
        message: text,
      }),
      fc.record({
        kind: kind("savepoint"),
        name: text,
        by: text,
        mode: fc.constantFrom("resume", "stop", "hold"),
        timeoutMs: whole,
      }),
      fc.record({
        kind: kind("savepointEnd"),
        leader: whole,
        savepoint: whole,
        outcome: fc.constantFrom("complete", "cancelled"),
        reason: text,
      }),
      fc.record({ kind: kind("resume"), savepoint: whole, by: text }),
      fc.record({
        kind: kind("fleetOrder"),
        order: fc.constantFrom("drain", "undrain", "scale", "release"),
        subject: text,
        workers: small,
        by: text,
      }),
      fc.record({
        kind: kind("quarantine"),
        leader: whole,
        scope: fc.constantFrom("worker", "host"),
        subject: text,
        evidence: text,
        durationMs: whole,
      }),
    ),
    encode: encodeJobLogRecord,
    decode: decodeJobLogRecord,
  },
  {
    name: "ReportBatch",
    arbitrary: fc.record({
      worker: text,
      reports: few(
        fc.record({
          instance,
          epoch: whole,
          n: whole,
          position: whole,
          watermark: time,
          activity: fc.constantFrom("active", "idle", "ended", "finished"),
          due: time,
          state: text,
          snapshot: whole,
          failure: text,
          counts,
          load,
          site: absent(site),
          freeze: absent(fc.record({ savepoint: whole, manifest: few(chunk), failure: text })),
          loop: absent(loopCount),
        }),
      ),
    }),
    encode: encodeReportBatch,
    decode: decodeReportBatch,
  },
  {
    name: "ReportAnswer",
    arbitrary: fc.record({ leader: whole, answers: few(fc.record({ instance, epoch: whole, n: whole })) }),
    encode: encodeReportAnswer,
    decode: decodeReportAnswer,
  },
  {
    name: "ReadLimits",
    arbitrary: fc.record({ leader: whole, limits: few(fc.record({ instance, epoch: whole, watermark: time })) }),
    encode: encodeReadLimits,
    decode: decodeReadLimits,
  },
  {
    name: "ReadPause",
    arbitrary: fc.record({ leader: whole, forMs: whole, splits: few(fc.record({ instance, epoch: whole })) }),
    encode: encodeReadPause,
    decode: decodeReadPause,
  },
  {
    name: "Announcement",
    arbitrary: fc.record({
      worker: text,
      load: small,
      isLeaving: fc.boolean(),
      host: text,
      processId: whole,
      nowMs: time,
      settled: few(whole),
      capacity: time,
      zone: text,
      loopShare: time,
      unstoredMs: whole,
      isWarming: fc.boolean(),
    }),
    encode: encodeAnnouncement,
    decode: decodeAnnouncement,
  },
  {
    name: "StarterPresence",
    arbitrary: fc.record({ starter: text, host: text, processId: whole, workers: small }),
    encode: encodeStarterPresence,
    decode: decodeStarterPresence,
  },
  {
    name: "Heartbeat",
    arbitrary: fc.record({ leader: whole, worker: text, loopRound: whole }),
    encode: encodeHeartbeat,
    decode: decodeHeartbeat,
  },
  {
    name: "Pointer",
    arbitrary: fc.record({
      token: text,
      epoch: whole,
      identity: text,
      current: snapshotRef,
      previous: snapshotRef,
      skips: few(skip),
    }),
    encode: encodePointer,
    decode: decodePointer,
  },
  {
    name: "DroppedLetters",
    arbitrary: fc.record({ upTo: whole, numbers: few(text) }),
    encode: encodeDroppedLetters,
    decode: decodeDroppedLetters,
  },
  {
    name: "Settled",
    arbitrary: fc.record({ epochs: few(whole) }),
    encode: encodeSettled,
    decode: decodeSettled,
  },
  {
    name: "Suspect",
    arbitrary: fc.record({ instance, epoch: whole, site, isCertain: fc.boolean() }),
    encode: encodeSuspect,
    decode: decodeSuspect,
  },
  {
    name: "Manifest",
    arbitrary: fc.record({
      format: small,
      generation: whole,
      stage: text,
      partition: small,
      sequence: whole,
      epoch: whole,
      codeVersion: text,
      runtimeVersion: text,
      anchor: uint32,
      storedAtMs: time,
      leader: whole,
      watermark: time,
      nowMs: time,
      random: fc.double({ noNaN: true }),
      channelsIn: few(fc.record({ edge: small, from: small, epoch: whole, last: whole, check: uint32 })),
      channelsOut: few(fc.record({ edge: small, to: small, last: whole, check: uint32 })),
      edges: few(
        fc.record({
          edge: small,
          watermark: time,
          isIdle: fc.boolean(),
          epoch: whole,
          n: whole,
          drained: absent(positive),
        }),
      ),
      sinks: few(fc.record({ sink: text, last: whole, prepared: few(fc.uint8Array()), refused: whole })),
      redelivered: few(fc.record({ first: whole, last: whole })),
      segments: few(fc.record({ segment: small, chunks: few(chunk) })),
      operators: fc.uint8Array(),
      counts,
    }),
    encode: encodeManifest,
    decode: decodeManifest,
  },
  {
    name: "JobRecord",
    arbitrary: fc.record({
      generation: whole,
      plan: text,
      planHash: text,
      version: text,
      state: fc.constantFrom("running", "failed", "completed", "stopped", "deleting"),
      message: text,
      position: whole,
      logCreatedMs: whole,
      resumed: absent(positive),
      origin: absent(
        fc.record({
          name: text,
          generation: whole,
          savepoint: whole,
          index: few(chunk),
          allowMissing: few(text),
          allowUnknown: few(text),
        }),
      ),
    }),
    encode: encodeJobRecord,
    decode: decodeJobRecord,
  },
  {
    name: "SavepointRecord",
    arbitrary: fc.record({
      generation: whole,
      savepoint: whole,
      leader: whole,
      state: fc.constantFrom("open", "complete", "cancelled"),
      reason: text,
      index: few(chunk),
      atMs: whole,
      bytes: whole,
    }),
    encode: encodeSavepointRecord,
    decode: decodeSavepointRecord,
  },
  {
    name: "SavepointIndex",
    arbitrary: fc.record({
      format: small,
      name: text,
      job: text,
      generation: whole,
      savepoint: whole,
      atMs: whole,
      by: text,
      plan: text,
      planHash: text,
      version: text,
      runtimeVersion: text,
      stages: few(
        fc.record({
          name: text,
          partitions: small,
          isSource: fc.boolean(),
          states: few(fc.record({ operator: text, name: text, kind: text, version: small })),
          instances: few(
            fc.record({
              partition: small,
              split: absent(fc.record({ name: text, identity: text })),
              manifest: few(chunk),
            }),
          ),
        }),
      ),
      edges: few(fc.record({ name: text, from: text, to: text, watermark: time })),
    }),
    encode: encodeSavepointIndex,
    decode: decodeSavepointIndex,
  },
];

describe.each(cases)("$name", ({ name, arbitrary, encode, decode }) => {
  const type = messageType(name);

  test("what is written is read again", () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(decode(encode(value as never))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test("reflection on protos/ reads what we write", () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(type.toObject(type.decode(encode(value as never)), reading)).toEqual(asProto(value));
      }),
      { numRuns: 300 },
    );
  });

  test("we read what reflection on protos/ writes", () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const message = type.fromObject(asProto(value));
        expect(decode(new Uint8Array(type.encode(message).finish()))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test("MS2: every prefix and every changed byte is a message or CORRUPT", () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = encode(value as never);
        expectReadOrCorrupt(decode, bytes.subarray(0, at % (bytes.length + 1)));
        const damaged = Buffer.from(bytes);
        damaged[at % bytes.length] = byte;
        expectReadOrCorrupt(decode, damaged);
      }),
      { numRuns: 500 },
    );
  });

  test("MS3: fields of unknown numbers are passed over", () => {
    const value = fc.sample(arbitrary, { numRuns: 1, seed: 1 })[0];
    const later = Buffer.concat([Buffer.of(0xf8, 0x3f, 5, 0xfa, 0x3f, 2, 1, 2), encode(value as never)]);
    expect(decode(later)).toEqual(value);
  });
});

test("MS2: an integer beyond 2^53 is CORRUPT", () => {
  const bytes = Buffer.of(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
  expect(() => decodeHeartbeat(bytes)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
});

test("MS2: an integer up to 2^53 is read whatever its length, and one that goes on is CORRUPT", () => {
  for (const leader of [0, 127, 128, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER])
    expect(decodeHeartbeat(encodeHeartbeat({ leader, worker: "", loopRound: 0 })).leader).toBe(leader);
  expect(decodeHeartbeat(Buffer.of(0x08, 0x85, 0x80, 0x80, 0x00)).leader).toBe(5);
  const what = "goes on";
  expect(() => decodeHeartbeat(Buffer.of(0x08, 0x80))).toThrow(what);
  expect(() => decodeHeartbeat(Buffer.of(0x08, ...Array.from({ length: 10 }, () => 0x80), 1))).toThrow(what);
});

test("MS2: the error names the message and the field", () => {
  expect(() => decodeHeartbeat(Buffer.of(0x09, 0, 0, 0, 0, 0, 0, 0, 0))).toThrow(
    "Heartbeat of 9 bytes: Heartbeat.leader: wire type 0 expected, 1 found",
  );
  expect(() => decodeJobLogRecord(Buffer.of())).toThrow("JobLogRecord: of no kind this version knows");
});

test("MS3: text that UTF-8 cannot hold is made well-formed", () => {
  expect(decodeHeartbeat(encodeHeartbeat({ leader: 1, worker: "a\ud800", loopRound: 0 })).worker).toBe("a\ufffd");
});

/** As `protos/` names things: variants as fields, enum values in capitals, snake case is protobufjs's camel case. */
const reading = { longs: Number, enums: String, defaults: true, arrays: true, bytes: Array } as const;

/** Numbers that are there or not. */
const zeroWhenAbsent = new Set(["drains", "drained", "resumed"]);

function asProto(value: object): { [name: string]: unknown } {
  const { kind: variant, ...rest } = value as { kind?: string };
  const fields = protoFields(rest);
  return variant === undefined
    ? fields
    : {
        [variant]: fields,
        ...(["epochStart", "watermark", "tick", "refusal", "results", "redelivery"].includes(variant) && {
          checksum: 0,
        }),
      };
}

function protoFields(value: object): { [name: string]: unknown } {
  return Object.fromEntries(
    Object.entries(value)
      // An absent message is null, an absent number is not there.
      .filter(([name, part]) => name !== "busy" || part !== undefined)
      .map(([name, part]) => [name, protoValue(name, part)] as const)
      .map(([name, part]) => [name, part === undefined ? (zeroWhenAbsent.has(name) ? 0 : null) : part]),
  );
}

function protoValue(name: string, part: unknown): unknown {
  if (Array.isArray(part)) return part.map((element: unknown) => protoValue("", element));
  if (part instanceof Uint8Array) return [...part];
  if (typeof part === "object" && part !== null) return protoFields(part);
  const isEnum =
    name === "cause" ||
    name === "command" ||
    name === "order" ||
    name === "scope" ||
    name === "activity" ||
    name === "outcome" ||
    name === "mode" ||
    (name === "state" && isState(part));
  return isEnum
    ? String(part)
        .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
        .toUpperCase()
    : part;
}

function isState(word: unknown): boolean {
  return ["running", "failed", "completed", "stopped", "deleting", "open", "complete", "cancelled"].includes(
    String(word),
  );
}

function expectReadOrCorrupt(decode: (bytes: Uint8Array) => object, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!StreamError.is(error, "CORRUPT")) throw error;
  }
}
