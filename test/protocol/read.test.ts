/**
 * Whether a log still holds what is needed (R8).
 */
import { expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { decideBroken, decideNext, decideRestore, type RestoreFacts } from "../../framework/protocol/read.ts";

/** A log with messages 800 to 950 and a snapshot at 900. */
const facts: RestoreFacts = {
  name: "orders/3",
  info: { createdMs: 1_000, first: 800, last: 950 },
  identity: "1000",
  sequence: 900,
  anchor: 0xabc,
  found: 0xabc,
};

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

function expectLost(changed: Partial<RestoreFacts>, message: string): void {
  const error = errorOf(() => decideRestore({ ...facts, ...changed }));
  expect(StreamError.is(error, "DATA_LOST"), `${String(error)} should say: ${message}`).toBe(true);
  expect(String(error)).toContain(message);
}

test("R8: replay begins after the snapshot's message", () => {
  expect(decideRestore(facts)).toBe(901);
});

test("R8: the snapshot's message may be the first one left, the last one, or both: an inbox is never emptied", () => {
  for (const info of [
    { first: 900, last: 950 },
    { first: 800, last: 900 },
    { first: 900, last: 900 },
  ]) {
    expect(decideRestore({ ...facts, info: { createdMs: 1_000, ...info } })).toBe(901);
  }
});

test("R8: without a snapshot replay begins at message 1, of an empty log too", () => {
  const none = { sequence: 0, anchor: 0, found: undefined };
  expect(decideRestore({ ...facts, ...none, info: { createdMs: 1_000, first: 1, last: 950 } })).toBe(1);
  expect(decideRestore({ ...facts, ...none, info: { createdMs: 1_000, first: 1, last: 0 } })).toBe(1);
});

test("R8: a log that begins after the snapshot's message has lost data, and the error says what", () => {
  expectLost(
    { info: { createdMs: 1_000, first: 912, last: 950 }, found: undefined },
    "inbox orders/3: first sequence is 912, the snapshot needs 900",
  );
});

test("R8: the anchor is never trimmed, so a log that begins right after it has lost data", () => {
  expectLost(
    { info: { createdMs: 1_000, first: 901, last: 950 }, found: undefined },
    "first sequence is 901, the snapshot needs 900",
  );
  expectLost(
    { info: { createdMs: 1_000, first: 901, last: 900 }, found: undefined },
    "first sequence is 901, the snapshot needs 900",
  );
});

test("R8: without a snapshot message 1 must be there, or yet to come", () => {
  const none = { sequence: 0, anchor: 0, found: undefined };
  expectLost({ ...none, info: { createdMs: 1_000, first: 2, last: 950 } }, "first sequence is 2, the snapshot needs 1");
  expectLost({ ...none, info: { createdMs: 1_000, first: 2, last: 1 } }, "first sequence is 2, the snapshot needs 1");
});

test("R8: a log shorter than the snapshot has lost data", () => {
  expectLost(
    { info: { createdMs: 1_000, first: 800, last: 899 }, found: undefined },
    "last sequence is 899, the snapshot needs 900",
  );
  expectLost(
    { info: { createdMs: 1_000, first: 1, last: 0 }, found: undefined },
    "last sequence is 0, the snapshot needs 900",
  );
});

test("R8: a log created anew is another log, however much it holds", () => {
  expectLost(
    { info: { createdMs: 2_000, first: 1, last: 5_000 } },
    "was created at 2000, the snapshot is of the one created at 1000",
  );
});

test("R8: another message at the snapshot's sequence is data loss, with both checksums", () => {
  expectLost({ found: 0xdef }, "message 900 has checksum 0x00000def, the snapshot expects 0x00000abc");
});

test("R8: no message at the snapshot's sequence is data loss, also when the log seems to hold it", () => {
  expectLost({ found: undefined }, "message 900 has checksum none (it is not there), the snapshot expects 0x00000abc");
});

test("R8: each message follows the last one; a hole or a step back is data loss", () => {
  expect(() => decideNext("orders/3", 900, 901)).not.toThrow();
  expect(() => decideNext("orders/3", 0, 1)).not.toThrow();
  for (const sequence of [902, 900, 1]) {
    const error = errorOf(() => decideNext("orders/3", 900, sequence));
    expect(StreamError.is(error, "DATA_LOST")).toBe(true);
    expect(String(error)).toContain(`inbox orders/3: after message 900 comes ${sequence}, expected 901`);
  }
});

test("R8: what is missing may have been trimmed by a newer owner: then it is fenced, not lost", () => {
  const error = new StreamError("DATA_LOST", "inbox orders/3: …");
  const decided = decideBroken({ pointerEpoch: 18, ownEpoch: 17, error });
  expect(StreamError.is(decided, "FENCED")).toBe(true);
  expect(decided).toMatchObject({ message: "epoch 17 has been superseded by 18", cause: error });
});

test("R8: the pointer's owner calls it what it is", () => {
  const error = new StreamError("DATA_LOST", "inbox orders/3: …");
  expect(decideBroken({ pointerEpoch: 17, ownEpoch: 17, error })).toBe(error);
});
