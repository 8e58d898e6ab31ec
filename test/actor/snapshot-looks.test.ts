/** Looks at whether snapshots are due. */
import { expect, test } from "vitest";
import { considerSnapshots } from "../../framework/actor/snapshot-looks.ts";
import { StreamError } from "../../framework/errors.ts";
import { stderrLogger } from "../../framework/platform/logger.ts";
import { turn } from "../support/until.ts";

test("everybody is asked; one whose inbox cannot be looked at is spoken of, and holds nobody up", async () => {
  const lines: string[] = [];
  const logger = stderrLogger({ level: "debug", form: "lines", write: (line) => void lines.push(line) });
  const asked: string[] = [];
  const owner = (name: string, answer: () => Promise<void>) => ({
    name,
    considerSnapshot: () => (asked.push(name), answer()),
  });
  const refusing = () => Promise.reject(new StreamError("TIMEOUT", "no answer"));
  considerSnapshots(logger, [owner("sums/0", refusing), owner("sums/1", () => Promise.resolve())]);
  await turn();
  expect(asked).toEqual(["sums/0", "sums/1"]);
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ level: "debug", instance: "sums/0", reason: "no answer" }),
  ]);
});
