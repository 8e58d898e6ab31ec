import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { compile } from "../../framework/plan/compile.ts";
import { jobDefaults } from "../../framework/plan/options.ts";
import { fenceReserveBytes, inboxBytesMax, reservation, watermarkReserveBytes } from "../../framework/plan/reserve.ts";
import { pushed, readings, sink } from "./doubles.ts";

const mebibyte = 1024 * 1024;

test("R13: an inbox has its data limit, 1 MiB for watermarks and 1 MiB for fences", () => {
  expect([watermarkReserveBytes, fenceReserveBytes]).toEqual([mebibyte, mebibyte]);
  expect(inboxBytesMax(jobDefaults, { operators: [] })).toBe(130 * mebibyte);
  expect(inboxBytesMax({ ...jobDefaults, inboxBytes: 8 * mebibyte }, { operators: [] })).toBe(10 * mebibyte);
});

test("a plan reserves an inbox per instance behind an exchange, and two side logs, in every replica", () => {
  const plant = job("plant", { partitions: 4, replicas: 3, inboxBytes: 8 * mebibyte });
  const source = plant.source("readings", readings());
  source
    .keyBy((r) => r.device)
    .reduce((a) => a)
    .to(sink("one", "global"));
  expect(reservation(compile(plant))).toEqual({
    inboxes: 5,
    bytesPerInbox: 10 * mebibyte,
    results: [],
    feedback: [],
    deadLetterBytes: 64 * mebibyte,
    lateBytes: 64 * mebibyte,
    jobLogBytes: 64 * mebibyte,
    totalBytes: 3 * (5 * 10 + 192) * mebibyte,
    ingress: [],
  });
});

test("a push source has ingress logs besides", () => {
  const plant = job("plant");
  plant.source("pushed", pushed()).to(sink("out"));
  expect(reservation(compile(plant))).toMatchObject({ inboxes: 8, ingress: ["pushed"] });
});
