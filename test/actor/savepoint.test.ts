/** R17: a savepoint of a whole job, on the real runtime and a virtual clock. */
import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { callback } from "../../framework/connectors/callback.ts";
import { fromArray } from "../../framework/connectors/memory.ts";
import { value } from "../../framework/state/descriptors.ts";
import { testJob } from "../../framework/testing/test-job.ts";

interface Click {
  readonly user: string;
  readonly n: number;
}

function clicks() {
  const counting = job("clicks", { partitions: 3 });
  counting
    .source("clicks", fromArray<Click>([]))
    .keyBy(({ user }) => user)
    .process({
      state: { sum: value<number>() },
      process: ({ user, n }, { state }) => {
        state.sum.set((state.sum.get() ?? 0) + n);
        return [{ user, sum: state.sum.get() }];
      },
    })
    .named("sum")
    .to(callback("sums", () => undefined));
  return counting;
}

const some = (from: number, count: number): Click[] =>
  Array.from({ length: count }, (_, at) => ({ user: `user ${(from + at) % 7}`, n: from + at }));

test("a savepoint of a running job comes about, and the job goes on", async () => {
  const t = await testJob(clicks());
  await t.feed("clicks", some(0, 100));
  const taken = await t.savepoint("first");
  expect(taken).toMatchObject({ job: "clicks", generation: 1, name: "first", isStopped: false });
  await t.feed("clicks", some(100, 100));
  await t.endOfInput();
  expect(t.take("sums")).toHaveLength(200);
});
