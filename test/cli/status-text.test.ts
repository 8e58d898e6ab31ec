/** What `tidemark status` says of a savepoint that is being taken. */
import { expect, test } from "vitest";
import type { JobStatus } from "../../framework/actor/job-status.ts";
import { statusText } from "../../framework/cli/status-text.ts";
import { noTotals } from "../../framework/job-handle.ts";

const status: JobStatus = {
  job: "monitor",
  generation: 2,
  leader: { epoch: 9, worker: "w1" },
  state: "running",
  lastFailure: "",
  workers: [],
  instances: [],
  watermarks: {},
  totals: noTotals,
  quarantines: [],
  outages: [],
  warnings: [],
};
const savepoint = {
  name: "before",
  id: 7,
  mode: "resume",
  by: "ada",
  at: 0,
  instances: 9,
  frozen: 4,
  copied: 1,
} as const;
const head = (change: Partial<JobStatus>) => statusText({ ...status, ...change }, 0).split("\n\n")[0];

test("a savepoint shows how far it has come", () => {
  expect(head({})).not.toContain("savepoint");
  expect(head({ savepoint: { ...savepoint, state: "freezing" } })).toContain(
    "savepoint before, by ada: 4 of 9 instances frozen, 1 copied",
  );
  expect(head({ savepoint: { ...savepoint, mode: "hold", state: "held" } })).toContain("complete and held");
});
