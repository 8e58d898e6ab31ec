/**
 * Log lines: complete, readable, and without secrets.
 */
import { expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { logLevels, parseLogLevel, silentLogger, stderrLogger } from "../../framework/platform/logger.ts";
import type { Logger } from "../../framework/platform/platform.ts";

function logging(form: "lines" | "readable", level?: "debug" | "warn"): { logger: Logger; written: string[] } {
  const written: string[] = [];
  const write = (line: string): void => void written.push(line);
  return { logger: stderrLogger({ form, level, write, now: () => 0 }), written };
}

test("a line is one JSON object with time, level, message and fields", () => {
  const { logger, written } = logging("lines");
  logger.log("info", "snapshot taken", { instance: "avg/3", bytes: 12 });
  expect(written).toHaveLength(1);
  expect(written[0]?.endsWith("\n")).toBe(true);
  expect(JSON.parse(written[0] ?? "")).toEqual({
    at: "1970-01-01T00:00:00.000Z",
    level: "info",
    message: "snapshot taken",
    instance: "avg/3",
    bytes: 12,
  });
});

test("on a terminal a line is for eyes", () => {
  const { logger, written } = logging("readable");
  logger.log("warn", "inbox is full", { inbox: "TM_a_1_IN_b_0", text: "two words", none: undefined });
  expect(written).toEqual(['00:00:00.000 warn  inbox is full inbox=TM_a_1_IN_b_0 text="two words"\n']);
});

test("lines below the level are not written", () => {
  const { logger, written } = logging("readable", "warn");
  for (const level of ["debug", "info", "warn", "error"] as const) logger.log(level, level);
  expect(written.map((line) => line.split(/ +/)[1])).toEqual(["warn", "error"]);
});

test("a child adds its fields to every line, and its own children theirs", () => {
  const { logger, written } = logging("lines");
  logger.child({ job: "mon" }).child({ worker: "w1" }).log("info", "up", { job: "other" });
  expect(JSON.parse(written[0] ?? "")).toMatchObject({ job: "other", worker: "w1" });
});

test("secrets are masked: by the name of their field, and as the user of a URL", () => {
  const { logger, written } = logging("lines");
  logger.log("info", "connecting to nats://me:hidden@host:4222", {
    password: "hidden",
    options: { token: "hidden", servers: ["nats://hidden@host"], userCredentials: "hidden" },
    error: new Error("refused nats://me:hidden@host"),
    clientSecret: undefined,
  });
  expect(written.join("")).not.toContain("hidden");
  expect(written.join("")).toContain("nats://***@host:4222");
});

test("G1: whatever a field holds, there is a line", () => {
  const { logger, written } = logging("lines");
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const twice = { a: 1 };
  const error = new StreamError("TIMEOUT", "no answer", { cause: new Error("socket") });
  logger.log("error", "odd", { cycle, big: 12n, bytes: new Uint8Array(3), error, left: twice, right: twice });
  const fields = JSON.parse(written[0] ?? "") as Record<string, unknown>;
  expect(fields).toMatchObject({
    cycle: { self: "[cycle]" },
    big: "12",
    bytes: "[3 bytes]",
    left: { a: 1 },
    right: { a: 1 },
    error: { code: "TIMEOUT", message: "no answer", cause: { message: "socket" } },
  });
});

test("the silent logger has silent children", () => {
  silentLogger.log("error", "nobody hears this");
  expect(silentLogger.child({ a: 1 })).toBe(silentLogger);
});

test("a level is one of four words; anything else is refused with what it takes", () => {
  expect(logLevels.map((level) => parseLogLevel(level, "TIDEMARK_LOG"))).toEqual(logLevels);
  expect(() => parseLogLevel("loud", "TIDEMARK_LOG")).toThrow(
    'TIDEMARK_LOG is "loud"; it takes one of debug, info, warn, error',
  );
});
