/**
 * `npm run golden:savepoint -- FILE`: takes a savepoint of the golden job in the format of this version, for the tests of later ones.
 *
 * A file that is there is never written over: what a released version has written does not change.
 */
import { writeFile } from "node:fs/promises";
import { testJob } from "../testing/test-job.ts";
import { readSavepoint } from "./golden/savepoint-file.ts";
import { feedPart, partitionsBefore, savepointJob, savepointName } from "./golden/savepoint-job.ts";

const [path] = process.argv.slice(2);
if (path === undefined)
  throw new RangeError("name the file: npm run golden:savepoint -- test/golden/savepoints/format-N.json");
const t = await testJob(savepointJob(), { now: 0, partitions: partitionsBefore });
await feedPart(t, 0);
await t.savepoint(savepointName);
const reading = readSavepoint(t.seams, t.plan.job, savepointName);
const progress = { isOver: false };
void reading.then(() => (progress.isOver = true));
while (!progress.isOver) await t.settle();
await writeFile(path, `${JSON.stringify(await reading, null, 1)}\n`, { flag: "wx" });
process.stdout.write(`${path}\n`);
