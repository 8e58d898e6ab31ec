import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { readings, sink } from "../plan/doubles.ts";

test("a job remembers its name, its options, and what is said on it, in program order", () => {
  const plant = job("plant", { partitions: 4 });
  const source = plant.source("readings", readings());
  source.filter((r) => r.ok).to(sink("out"));
  expect(plant.name).toBe("plant");
  expect(plant.options).toEqual({ partitions: 4 });
  expect(plant.nodes.map(({ kind }) => kind)).toEqual(["source", "chained", "sink"]);
});

test("nothing is opened, read or asked while a program is being written", () => {
  const plant = job("plant");
  const source = plant.source("readings", {
    ...readings(),
    get reader(): never {
      throw new Error("was asked");
    },
  });
  source.map(() => {
    throw new Error("was called");
  });
  expect(plant.nodes).toHaveLength(2);
});

test("two jobs know nothing of each other", () => {
  const [a, b] = [job("a"), job("b")];
  a.source("readings", readings());
  expect(b.nodes).toEqual([]);
});
