/** What a name in a store says, and whose it is not. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseHoldingName } from "../../framework/log/holding-name.ts";
import { JobNames } from "../../framework/log/names.ts";

const name = fc.stringMatching(/^[a-z0-9-]{1,32}$/);
const count = fc.nat(99_999);

test("every name that a job gives is taken apart into what it was made of", () => {
  fc.assert(
    fc.property(name, count, name, count, (job, generation, stage, index) => {
      const names = new JobNames(job, generation);
      const made = {
        jobLog: names.jobLog,
        deadLetters: names.deadLetters,
        late: names.late,
        inbox: names.inbox(stage, index),
        ingress: names.ingress(stage, index),
      };
      expect(parseHoldingName(`TM_${job}_SAVEPOINTS`)).toEqual({ job, generation: undefined, holds: "savepoints" });
      for (const [holds, text] of Object.entries(made))
        expect(parseHoldingName(text)).toEqual({ job, generation, holds });
      expect(parseHoldingName(`KV_TM_${job}`)).toEqual({ job, generation: undefined, holds: "registers" });
    }),
  );
});

test("H1: what belongs to another job is not mistaken for this one's", () => {
  expect(parseHoldingName("TM_a-b_1_LOG")?.job).toBe("a-b");
  expect(parseHoldingName("TM_a_1_CHUNKS")).toEqual({ job: "a", generation: 1, holds: "chunks" });
  expect(parseHoldingName("TM_a_0_ROOM")).toEqual({ job: "a", generation: 0, holds: "reservation" });
});

test.each([
  "TM_a_1_1_LOG",
  "TM_a_1_LOGS",
  "TM_A_1_LOG",
  "TM_a_01_LOG",
  "TM_a__LOG",
  "TM_a_1_IN_avg",
  "TM_a_1_IN_avg_0_0",
  "TM_a_1_",
  "TM_a_1_LOG\n",
  "KV_TM_a_b",
  "KV_a",
  "READINGS",
  `TM_${"a".repeat(33)}_1_LOG`,
])("H1: %j is nobody's", (text) => {
  expect(parseHoldingName(text)).toBeUndefined();
});
