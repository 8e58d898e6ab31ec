/**
 * Who may look, and who may command: the commands about jobs under the users of `nats.conf`, each with nothing but its own permissions.
 */
import { promises as files } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { JobStatus } from "../../framework/actor/job-status.ts";
import { projectConfig } from "../../framework/nats/server-config.ts";
import { type Ran, runTidemark } from "../support/command.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { type Program, startTidemark } from "../support/program.ts";

const timeout = 240_000;
const binary = await binaryForTests();

/** Commands of users of one server. */
interface Roles {
  /** Starts one that goes on. */
  readonly start: (role: string, ...args: readonly string[]) => Program;
  /** Runs one to its end; what it said, by lines. */
  readonly run: (
    role: string,
    ...args: readonly string[]
  ) => Promise<Omit<Ran, "said"> & { readonly said: readonly string[] }>;
}

/** Starts a server with the accounts of `nats.conf`; answers how a command is given by a user of it. */
async function serverWithRoles(): Promise<Roles> {
  const folder = await files.mkdtemp(join(tmpdir(), "tidemark-roles-"));
  onTestFinished(() => files.rm(folder, { recursive: true, force: true }));
  const config = join(folder, "nats.conf");
  const text = await files.readFile(projectConfig(), "utf8");
  await files.writeFile(config, text.replaceAll(/^#\| ?/gm, ""));
  const started = await natsForTests({ config }, onTestFinished);
  const host = started?.server.url.replace("nats://", "") ?? "";
  const environmentOf = (role: string) => ({
    TIDEMARK_NATS: `nats://${role}:change-${role}@${host}`,
    TIDEMARK_INBOX_PREFIX: `_INBOX_${role}`,
  });
  return {
    start: (role, ...args) => startTidemark(args, environmentOf(role)),
    run: async (role, ...args) => {
      const { code, out, said } = await runTidemark(args, environmentOf(role));
      return { code, out, said: said === "" ? [] : said.split("\n") };
    },
  };
}

describe.skipIf(binary === undefined)("users of nats.conf", { timeout }, () => {
  test("a dashboard sees jobs and their status, with and without a leader, and commands nothing; a worker may stop and not delete", async () => {
    const { start, run: as } = await serverWithRoles();
    const worker = start("supervisor", "run", "test/e2e/programs/ticking.ts", "--", "roles");
    await worker.prints(/ticks/);

    const jobs = await as("dashboard", "jobs");
    expect(jobs).toMatchObject({ code: 0, said: [] });
    expect(jobs.out).toMatch(/\nroles +1 +running +1/);
    const status = await as("dashboard", "status", "--json");
    expect(JSON.parse(status.out) as JobStatus).toMatchObject({ state: "running", workers: [{ isLeader: true }] });

    for (const [command, subject] of [
      ["stop", /tm\.roles\.1\.log$/],
      ["drain", /tm\.roles\.1\.log$/],
      ["delete", /STREAM\.DELETE/],
    ] as const) {
      const refused = await as("dashboard", command, "roles", ...(command === "delete" ? ["--yes", "--force"] : []));
      expect(refused).toMatchObject({ code: 1, out: "" });
      expect(refused.said).toEqual([expect.stringMatching(/^SERVER_REFUSED: the user may not publish /)]);
      expect(refused.said[0]).toMatch(subject);
    }

    expect(await as("worker", "stop", "roles")).toMatchObject({ code: 0, said: [] });
    expect(await worker.ended()).toMatchObject({ code: 0 });
    const written = await as("dashboard", "status", "--json");
    expect(JSON.parse(written.out) as JobStatus).toMatchObject({ state: "stopped", leader: "none" });
    const deleting = await as("worker", "delete", "roles", "--yes");
    expect(deleting.code).toBe(1);
    expect(deleting.said).toEqual([expect.stringMatching(/^SERVER_REFUSED: the user may not .*STREAM\.DELETE/)]);
    expect(await as("supervisor", "delete", "roles", "--yes")).toMatchObject({ code: 0 });
  });
});
