/** Golden files: what is in the format is read, and what is not is refused with its place. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCases } from "../../../framework/scripts/golden/format.ts";
import { temporaryFolder } from "../../connectors/temporary-folder.ts";

const good = {
  id: "timers/one",
  family: "timers",
  pipeline: { program: "script" },
  compare: { onRecord: "exact", onTime: "exact" },
  input: [{ key: "a", ts: 1 }, { processingTime: 5 }, { watermark: "MAX" }],
  expected: { steps: [{}, {}, {}] },
};

async function fileOf(content: string): Promise<string> {
  const path = join(await temporaryFolder(), "cases.json");
  writeFileSync(path, content);
  return path;
}

test("cases are read as they stand", async () => {
  expect(readCases(await fileOf(JSON.stringify([good])))).toEqual([good]);
});

test.each([
  ["{", /cannot be read/],
  ["{}", /is not an array of cases/],
  [JSON.stringify([good, 5]), /case 1 is no object/],
  [JSON.stringify([{ ...good, family: 3 }]), /case 0 \(timers\/one\) has no id or no family/],
  [JSON.stringify([{ ...good, compare: undefined }]), /has no pipeline or no compare/],
  [JSON.stringify([{ ...good, input: [{ key: "a" }] }]), /no list of records, watermarks and clocks/],
  [JSON.stringify([{ ...good, expected: { steps: [{}] } }]), /expects 1 steps of an input of 3 entries/],
  [JSON.stringify([{ ...good, expected: {} }]), /neither steps nor an error/],
])("%s is refused", async (content, message) => {
  const path = await fileOf(content);
  expect(() => readCases(path)).toThrow(message);
});

test("so is a file that is not there", () => {
  expect(() => readCases("nowhere.json")).toThrow(/nowhere.json cannot be read/);
});
