/**
 * Where the nats-server comes from.
 */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findNatsServer } from "../../framework/nats/server-binary.ts";
import { NatsServer, startNatsServer } from "../../framework/nats/server.ts";
import { describeVersion, isAtLeast, parseVersion } from "../../framework/nats/version.ts";
import { binaryForTests } from "../support/nats.ts";

const scratch = await files.mkdtemp(join(tmpdir(), "tidemark-binary-"));
afterAll(() => files.rm(scratch, { recursive: true, force: true }));

/** A program that claims to be a nats-server of some version. */
async function claiming(version: string): Promise<string> {
  const path = join(scratch, `claims-${version}`);
  await files.writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`, { mode: 0o755 });
  return path;
}

describe("the variable NATS_SERVER", () => {
  test("decides when it names a server that is new enough", async () => {
    const path = await claiming("2.10.0");
    expect(await findNatsServer({ environment: { NATS_SERVER: path } })).toBe(path);
  });

  test("is refused when it names one that is too old, or none", async () => {
    const old = findNatsServer({ environment: { NATS_SERVER: await claiming("2.9.25") } });
    await expect(old).rejects.toThrow(/version 2\.9\.25; needed is a nats-server 2\.10 or newer/);
    const none = findNatsServer({ environment: { NATS_SERVER: "/nowhere/nats-server" } });
    await expect(none).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});

test("versions are compared by number, and what is no version is below everything", () => {
  const least = parseVersion("2.10.0") ?? [0, 0, 0];
  const texts = ["2.9.99", "2.10.0", "2.10.1-preview.1", "nats-server: v2.14.6", "3.0.0", "unknown"];
  expect(texts.map((text) => isAtLeast(parseVersion(text), least))).toEqual([false, true, true, true, true, false]);
  expect([describeVersion([2, 10, 0]), describeVersion([2, 10, 4])]).toEqual(["2.10", "2.10.4"]);
});

describe("a server that cannot start", () => {
  test("is reported with its own last words, and leaves nothing behind", async () => {
    const binary = await binaryForTests();
    if (binary === undefined) return;
    const config = join(scratch, "broken.conf");
    await files.writeFile(config, "jetstream { nonsense: 1 }");
    const before = await leftovers();
    await expect(startNatsServer({ binary, config })).rejects.toThrow(/ended at once.*nonsense/s);
    expect(await leftovers()).toEqual(before);
  });

  test("is reported when there is no such program", async () => {
    const server = new NatsServer("/nowhere/nats-server", { directory: scratch }, undefined);
    await expect(server.restart()).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
  });
});

async function leftovers(): Promise<readonly string[]> {
  return (await files.readdir(tmpdir())).filter((name) => name.startsWith("tidemark-nats-"));
}
