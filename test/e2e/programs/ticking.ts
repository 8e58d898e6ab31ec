/**
 * A job that goes on until somebody ends it: numbers, counted per second of event time and key, as JSON lines.
 *
 * Arguments: the job's name, records per second, and (optional) how many there are; a last word `none` keeps nothing of a completed life.
 */
import { count, generator, job, print, tumbling, type Job } from "tidemark";

/** The job. */
export default function ticking([name = "ticking", rate = "200", total = "", retain = "forever"]: string[]): Job {
  const ticker = job(name, {
    partitions: 2,
    inboxBytes: 4 * 1024 * 1024,
    restart: { max: 0 },
    retain: retain === "none" ? "none" : "forever",
  });
  ticker
    .source(
      "numbers",
      generator({
        make: (index) => ({ at: index * 10, key: `k${index % 4}` }),
        rate: Number(rate),
        ...(total === "" ? {} : { count: Number(total) }),
      }),
    )
    .timestamps((each) => each.at)
    .keyBy((each) => each.key)
    .window(tumbling("1s"))
    .aggregate(count())
    .to(print("ticks"));
  return ticker;
}
