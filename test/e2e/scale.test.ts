/** Fleets that change while they work: scaled out and back by command, a worker drained, one whose event loop stands still. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../connectors/temporary-folder.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";
import { startNode, startTidemark } from "../support/program.ts";
import type { JobStatus } from "../../framework/actor/job-status.ts";

const timeout = 120_000;
const binary = await binaryForTests();

async function serverUrl(): Promise<string> {
  const nats = await natsForTests({}, onTestFinished);
  if (nats === undefined) throw new Error("no nats-server");
  return nats.server.url;
}

/** What a command answers as JSON; its exit code must be 0. */
async function told<T>(url: string, ...args: readonly string[]): Promise<T> {
  const command = startTidemark([...args, "--json", "--nats", url]);
  const { code } = await command.ended();
  expect([code, code === 0 ? "" : command.stderr.join("\n")]).toEqual([0, ""]);
  return JSON.parse(command.stdout.join("\n")) as T;
}

test.skipIf(binary === undefined)(
  "scaled from 1 to 3 workers and back, one drained meanwhile: the same results, and the partition map follows",
  { timeout },
  async () => {
    const url = await serverUrl();
    const program = ["test/e2e/programs/counting.ts", "scaled", "1000", "1000000", "1", url];
    const fleet = startNode(program);
    await fleet.prints(/"from":0,/);
    const scaled = await told<{ workers: number }>(url, "scale", "scaled", "--workers", "3");
    expect(scaled.workers).toBe(3);
    const status = await told<JobStatus>(url, "status", "scaled");
    expect(status.workers).toHaveLength(3);
    const follower = status.workers.find(({ isLeader }) => !isLeader)?.worker ?? "";
    expect(await told(url, "drain", "scaled", follower)).toMatchObject({ isDrained: true, left: 0 });
    const drained = await told<JobStatus>(url, "status", "scaled");
    expect(drained.workers.find(({ worker }) => worker === follower)).toMatchObject({ instances: 0 });
    expect(await told(url, "scale", "scaled", "--workers", "1")).toMatchObject({ workers: 1 });
    expect(await told(url, "drain", "scaled")).toMatchObject({ state: "completed" });
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    const rows = fleet.stdout.map((line) => JSON.parse(line) as { key: number; from: number; value: number });
    const numbers = Number(/completed: (\d+) in/.exec(fleet.stderr.join("\n"))?.[1]);
    // Each (key, window) once, and all but the last window whole.
    expect(new Set(rows.map(({ key, from }) => `${key} ${from}`)).size).toBe(rows.length);
    const lastFrom = Math.max(...rows.map(({ from }) => from));
    expect(rows.filter(({ value, from }) => value !== 10 && from !== lastFrom)).toEqual([]);
    expect(rows.reduce((sum, { value }) => sum + value, 0)).toBe(numbers);
  },
);

test.skipIf(binary === undefined)(
  "a worker whose event loop stands still outside of any turn ends itself, and is replaced",
  { timeout },
  async () => {
    const url = await serverUrl();
    const mark = join(await temporaryFolder(), "mark");
    const fleet = startTidemark(["run", "test/e2e/programs/stalling.ts", "--workers", "1", "--nats", url], {
      MARK: mark,
    });
    await fleet.prints(/the event loop stands still, outside of any turn: this process is ended/);
    expect(await fleet.ended()).toMatchObject({ code: 0 });
    expect(existsSync(mark)).toBe(true);
    // Printed lines may come again after a crash, the same: each window counts once.
    const windows = new Map(
      fleet.stdout.map((line) => {
        const { key, from, value } = JSON.parse(line) as { key: number; from: number; value: number };
        return [`${key} ${from}`, value];
      }),
    );
    expect([...windows.values()].reduce((sum, value) => sum + value, 0)).toBe(2_000);
  },
);
