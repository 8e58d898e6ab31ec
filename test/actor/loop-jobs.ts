/** Jobs with loops, and what comes out of them, computed naively. */
import { count, discard, fromArray, job, sum, tumbling, value, type Job } from "tidemark";

/** A record that goes round `left` more times. */
export interface Hop {
  readonly id: string;
  readonly left: number;
  readonly at: number;
}

/**
 * Every record goes round `left` times, each time to another key, and comes out when none are left, with what its last key has counted. Behind the loop stands a
 * window over event time; within it, one that fires for what has gone round only at the end.
 */
export function hopping(partitions?: number): Job {
  const hopper = job("hopping", partitions === undefined ? {} : { partitions });
  const hops = hopper.source("hops", fromArray<Hop>([])).timestamps((hop) => hop.at);
  const again = hopper.feedback<Hop>("again");
  const seen = hops
    .union(again)
    .keyBy((hop) => `${hop.id}:${hop.left % 3}`)
    .process({
      state: { rounds: value<number>() },
      process(hop: Hop, { state }) {
        state.rounds.set((state.rounds.get() ?? 0) + 1);
        return [{ ...hop, rounds: state.rounds.get() ?? 0 }];
      },
    })
    .named("hop");
  const { more, done } = seen.split({ more: (hop) => hop.left > 0, done: (hop) => hop.left === 0 });
  more.map(({ id, left, at }) => ({ id, left: left - 1, at })).to(again);
  done.to(discard()).named("done");
  done
    .keyBy((hop) => hop.id)
    .window(tumbling("1s"))
    .aggregate(count())
    .named("count")
    .to(discard())
    .named("counts");
  return hopper;
}

/** What comes out of `hopping`, in no order. */
export function hopped(hops: readonly Hop[]): readonly string[] {
  return hops.map(({ id, at }) => JSON.stringify([id, at])).toSorted();
}

/** Windows within a loop, whose results go round when they are of more than one record. */
export function summing(): Job {
  const summer = job("summing", { partitions: 2 });
  const numbers = summer.source("numbers", fromArray<Hop>([])).timestamps((hop) => hop.at);
  const rest = summer.feedback<Hop>("rest");
  const sums = numbers
    .union(rest)
    .keyBy((hop) => hop.id)
    .window(tumbling("10s"))
    .aggregate(sum((hop) => hop.left))
    .named("sum");
  sums.to(discard()).named("sums");
  sums.late().to(discard()).named("too-late");
  sums
    .filter((fired) => fired.value > 1)
    .map(({ key, value: total }) => ({ id: key, left: total / 2, at: 0 }))
    .to(rest);
  return summer;
}

/** Records that come back ten seconds later, one round less before them. */
export function delaying(): Job {
  const delayer = job("delaying", { partitions: 2 });
  const again = delayer.feedback<Hop>("again");
  const { more, done } = delayer
    .source("numbers", fromArray<Hop>([]))
    .union(again)
    .keyBy((hop) => hop.id)
    .process({
      state: { waiting: value<Hop>() },
      process(hop: Hop, { state, timers, now }) {
        if (hop.left === 0) return [hop];
        state.waiting.set({ ...hop, left: hop.left - 1 });
        timers.onProcessingTime(now() + 10_000);
        return [];
      },
      onTimer: (_time, { state }) => [state.waiting.get() as Hop],
    })
    .named("delay")
    .split({ more: (hop) => hop.left > 0, done: (hop) => hop.left === 0 });
  more.to(again);
  done.to(discard()).named("done");
  return delayer;
}

/** A loop without an exchange: what follows the union stands in the source's stage and in that of the feedback stream, which sends to itself. */
export function counting(): Job {
  const counter = job("counting", { partitions: 2 });
  const again = counter.feedback<number>("again");
  const { more, done } = counter
    .source("numbers", fromArray<number>([]))
    .union(again)
    .map((left) => left - 1)
    .split({ more: (left) => left > 0, done: (left) => left <= 0 });
  more.to(again);
  done.to(discard()).named("done");
  return counter;
}

/** A loop in which every record becomes `each` records, `rounds` times; with inboxes of this size. */
export function growing(each: number, rounds: number, inboxBytes: number): Job {
  const grower = job("growing", { partitions: 1, inboxBytes, snapshotBytes: inboxBytes / 4 });
  const again = grower.feedback<Hop>("again");
  const { more, done } = grower
    .source("numbers", fromArray<Hop>([]))
    .union(again)
    .keyBy((hop) => hop.id)
    .process({
      process: (hop: Hop) => Array.from({ length: each }, () => ({ ...hop, left: hop.left + 1 })),
    })
    .named("grow")
    .split({ more: (hop) => hop.left < rounds, done: (hop) => hop.left >= rounds });
  more.to(again);
  done.to(discard()).named("done");
  return grower;
}
