/** What `fleet` takes: everything else is refused before anything starts. */
import { describe, expect, test, vi } from "vitest";
import { fleet, workersAskedFor } from "../framework/fleet.ts";

describe("refused", () => {
  test.each([0, -1, 1.5, 10_000, 257, Number.NaN, Infinity])("%d workers, naming the limit", (workers) => {
    expect(() => fleet({ workers })).toThrow(
      expect.objectContaining({
        code: "OPTION_INVALID",
        message: expect.stringMatching(new RegExp(`^workers is ${workers}; a fleet has 1 to 256`)) as string,
      }),
    );
  });

  test.each([0, 70_000, 4222.5])("port %d", (port) => {
    expect(() => fleet({ workers: 1, port })).toThrow(/port is .*1 to 65535/);
  });

  test.each([{ directory: "data" }, { port: 4222 }, { syncInterval: "always" as const }])(
    "%j where a server is named",
    (own) => {
      expect(() => fleet({ workers: 1, nats: { servers: "nats://127.0.0.1:4222" }, ...own })).toThrow(/one is named/);
    },
  );

  test("an option that does not exist", () => {
    const misspelt = { workers: 1, diretory: "data" };
    expect(() => fleet(misspelt)).toThrow(/"diretory"; did you mean "directory"/);
  });

  test("a command that is none", () => {
    expect(() => fleet({ workers: 1, command: [] })).toThrow(/command is empty/);
  });
});

describe("the number on a command line", () => {
  test("is that of --workers, else of the environment, else nobody's", () => {
    vi.stubEnv("TIDEMARK_WORKERS", "");
    expect(workersAskedFor()).toBeUndefined();
    vi.stubEnv("TIDEMARK_WORKERS", "4");
    expect(workersAskedFor()).toBe(4);
    expect(workersAskedFor("2")).toBe(2);
    vi.unstubAllEnvs();
  });

  test.each(["", " ", "many", "0", "1.5", "10000"])("%j is refused", (text) => {
    expect(() => workersAskedFor(text)).toThrow(/^--workers is .*1 to 256/);
  });
});

test("says where it runs", () => {
  vi.stubEnv("TIDEMARK_NATS", "");
  expect(fleet({ workers: 3 }).description).toBe("fleet of 3 on a nats-server of its own");
  vi.unstubAllEnvs();
  expect(fleet({ workers: 3, nats: { servers: "nats://ada:secret@db:4222" } }).description).toMatch(
    /^fleet of 3 on nats .*db:4222$/,
  );
  expect(fleet({ workers: 3, nats: { servers: "nats://ada:secret@db:4222" } }).description).not.toContain("secret");
});
