/**
 * Claiming the pointer (R4, R5).
 */
import { expect, test } from "vitest";
import { decideClaim } from "../../framework/protocol/claim.ts";
import type { Pointer } from "../../framework/record/snapshot-record.ts";

const snapshots = { current: { sequence: 900, manifest: [] }, previous: { sequence: 700, manifest: [] } };
const pointer: Pointer = { token: "old", epoch: 17, identity: "1000", ...snapshots, skips: [] };

test("R5: the first claim of all creates the pointer, without a snapshot, with the input's identity", () => {
  const value = { token: "new", epoch: 17, identity: "1000", current: undefined, previous: undefined, skips: [] };
  expect(decideClaim({ pointer: undefined, epoch: 17, identity: "1000", token: "new", skips: [] })).toEqual({
    kind: "create",
    value,
  });
});

test("R5: a greater epoch takes the pointer over, with the same snapshots and a token of its own", () => {
  const value = { token: "new", epoch: 18, identity: "1000", ...snapshots, skips: [] };
  expect(decideClaim({ pointer, epoch: 18, identity: "1000", token: "new", skips: [] })).toEqual({
    kind: "update",
    value,
  });
});

test("R4: a lower epoch is fenced by the one it finds", () => {
  expect(decideClaim({ pointer, epoch: 16, identity: "1000", token: "new", skips: [] })).toEqual({
    kind: "fenced",
    by: 17,
  });
});

test("R4: an equal epoch is fenced", () => {
  expect(decideClaim({ pointer, epoch: 17, identity: "1000", token: "new", skips: [] })).toEqual({
    kind: "fenced",
    by: 17,
  });
});

test("R8: an input created anew is not claimed; both identities are named", () => {
  expect(decideClaim({ pointer, epoch: 18, identity: "2000", token: "new", skips: [] })).toEqual({
    kind: "replaced",
    expected: "1000",
    found: "2000",
  });
});

test("R8: who is fenced does not cry data loss", () => {
  expect(decideClaim({ pointer, epoch: 16, identity: "2000", token: "new", skips: [] })).toEqual({
    kind: "fenced",
    by: 17,
  });
});

test("R15: the claim writes the skips that have been decided and not passed, beside those that are there", () => {
  const skip = (sequence: number) => ({ sequence, step: 1, reason: "it never ends" });
  const claimed = decideClaim({
    pointer: { ...pointer, skips: [skip(950)] },
    epoch: 18,
    identity: "1000",
    token: "new",
    skips: [skip(900), skip(950), skip(901)],
  });
  expect(claimed).toMatchObject({ kind: "update", value: { skips: [skip(901), skip(950)] } });
});
