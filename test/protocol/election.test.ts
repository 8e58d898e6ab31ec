/** The specification of elections: when a worker stands. */
import { expect, test } from "vitest";
import { decideElection } from "../../framework/protocol/election.ts";

test("L1: stands at once when the job log has no leader", () => {
  expect(decideElection({ logHasLeader: false, silentMs: 0, hasAnswered: undefined })).toEqual({ kind: "stand" });
});

test("L1: stands at once when nobody listens on the leader's subject", () => {
  expect(decideElection({ logHasLeader: true, silentMs: 0, hasAnswered: false })).toEqual({ kind: "stand" });
});

test("L2: waits for what is left of 2 s of silence", () => {
  expect(decideElection({ logHasLeader: true, silentMs: 0, hasAnswered: undefined })).toEqual({
    kind: "wait",
    ms: 2000,
  });
  expect(decideElection({ logHasLeader: true, silentMs: 1999, hasAnswered: true })).toEqual({ kind: "wait", ms: 1 });
});

test("L2: stands after 2 s without a heartbeat, though the leader once answered", () => {
  expect(decideElection({ logHasLeader: true, silentMs: 2000, hasAnswered: true })).toEqual({ kind: "stand" });
  expect(decideElection({ logHasLeader: true, silentMs: 2000, hasAnswered: undefined })).toEqual({ kind: "stand" });
});
