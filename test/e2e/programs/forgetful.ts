/**
 * A job that is no function of its input: what it says depends on the process that says it.
 *
 * Argument: the job's name.
 */
import { generator, job, print, type Job } from "tidemark";

/** The job. */
export default function forgetful([name = "forgetful"]: string[]): Job {
  const plant = job(name, { partitions: 1, inboxBytes: 4 * 1024 * 1024, snapshotInterval: "1h" });
  plant
    .source("numbers", generator({ make: (index) => ({ at: index, key: `k${index % 4}` }), rate: 100, count: 40 }))
    .timestamps((each) => each.at)
    .keyBy((each) => each.key)
    .process({ state: {}, process: (each) => [{ key: each.key, by: process.pid }] })
    .named("counter")
    .keyBy((each) => each.key)
    .process({ state: {}, process: (each) => [each.by] })
    .named("passing")
    .to(print("said by"));
  return plant;
}
