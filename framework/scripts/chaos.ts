/**
 * Real processes under fire, in two ways.
 *
 * A generator with known sums, for a time: `npm run chaos -- --duration 60s [--replicas 3] [--seed S] [--rate 5000] [--only KIND …] [--lines FILE] [--keep-servers FOLDER] [--json]`.
 * Four workers on one nats-server, or on a cluster of three that keeps three copies of everything; faults every 5 to 20 s, one to three at a time, drawn
 * from the seed: processes are killed and stopped, links get slow, fall silent or break, servers lose each other or are rolled, a disk is full; workers come,
 * go and are drained, savepoints are taken, and generations follow each other. What the sink holds at the end is compared with
 * the sums. Prints one JSON line; exit code 0 when nothing was lost, duplicated or wrong (`chaos/generator-chaos.ts`).
 *
 * Recorded data through crashes: `npm run chaos -- FILE.csv … [--workers N] [--mode NAME …] [--rate N] [--every 2s] [--keep] [--json]`.
 *
 * Runs `examples/sensor-history.ts` over the files in every way it can run and be killed, and compares the lines with those of an undisturbed run in
 * one process:
 *
 *   embedded      in this machine's memory: what the others are compared with
 *   nats          on a nats-server
 *   kill-worker   the process is killed by SIGKILL every 2 s and started again
 *   kill-server   nats-server is killed by SIGKILL every 3 s and started again
 *
 * and, with --workers N, as a fleet of so many processes:
 *
 *   fleet         undisturbed
 *   kill-any      one of its workers, any of them, is killed by SIGKILL every 2 s
 *   kill-leader   whoever leads is killed by SIGKILL every 2 s
 *   stop-any      one of its workers is stopped by SIGSTOP for 10 s, and goes on
 *   kill-server   as above
 *
 * Exit code 0 when every run came to its end with the same set of lines, and enough was killed; else 1.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StreamError } from "../errors.ts";
import { type NatsServer, startNatsServer } from "../nats/server.ts";
import { systemRandom } from "../platform/random.ts";
import { parseDuration, type Duration } from "../time/duration.ts";
import { exitWith, readCommandLine, wholeNumber } from "./command-line.ts";
import { type ChaosOptions, faultNames, runGeneratorChaos } from "./chaos/generator-chaos.ts";
import {
  type HistoryResult,
  type HistoryRun,
  reasonOf,
  runHistory,
  runHistoryKilled,
  runHistoryOverServerKills,
  sortedLines,
} from "./history-under-fire.ts";
import { type FleetRun, runFleetKilled, runFleetStopped } from "./fleet-under-fire.ts";

interface Figures {
  readonly mode: string;
  readonly kills: number;
  readonly lines: number;
  readonly equal: boolean;
  readonly seconds: number;
  readonly wrong?: string;
}

interface Mode {
  readonly name: string;
  readonly killsMin: number;
  run(of: Omit<HistoryRun, "servers">, server: NatsServer): Promise<HistoryResult>;
}

const limitMs = 300_000;
const stoppedMs = 10_000;

const { values: flags, positionals } = readCommandLine({
  command: "npm run chaos",
  operands: "[FILE.csv …]",
  about:
    "With --duration: a generator with known sums on four workers, under faults drawn from a seed.\n" +
    "With FILE.csv …: sensor-history over recorded data while processes and the server are killed: the same lines.",
  flags: {
    duration: { type: "string", takes: "D", help: "how long the generator runs" },
    replicas: { type: "string", default: "1", takes: "N", help: "copies of everything, on as many servers: 1, 3 or 5" },
    seed: { type: "string", takes: "S", help: "what the faults are drawn from (else a new one, printed)" },
    only: {
      type: "string",
      multiple: true,
      takes: "KIND",
      help: `one kind of fault, or several: ${faultNames.join(", ")}`,
    },
    rate: { type: "string", takes: "N", help: "records per second (5000; of files 24000, of a fleet 4000)" },
    workers: { type: "string", takes: "N", help: "worker processes (4; with files: a fleet, else one process)" },
    lines: { type: "string", takes: "FILE", help: "write what the processes say here" },
    "keep-servers": { type: "string", takes: "FOLDER", help: "keep the servers' logs and data here" },
    every: { type: "string", default: "2s", takes: "D", help: "with files: how often something is killed" },
    mode: { type: "string", multiple: true, takes: "NAME", help: "with files: one way, or several" },
    keep: { type: "boolean", default: false, help: "with files: keep the lines" },
    json: { type: "boolean", default: false, help: "JSON" },
  },
});

/** How the program over files is shot at. */
interface Fire {
  readonly everyMs: number;
  /** 0: one process and no fleet. */
  readonly workers: number;
  readonly rate: number;
}

/** @throws OPTION_INVALID */
function fireOnFiles(): Fire {
  const workers = flags.workers === undefined ? 0 : wholeNumber("workers", flags.workers, 1);
  // A fleet starts the program once, at one rate: slow enough for five shots.
  const rate = wholeNumber("rate", flags.rate ?? (workers === 0 ? "24000" : "4000"), 1);
  return { everyMs: parseDuration(flags.every as Duration, "--every", { minMs: 1 }), workers, rate };
}

const embedded: Mode = { name: "embedded", killsMin: 0, run: (of) => runHistory(of) };

const modesOfProcess = ({ rate, everyMs }: Fire): readonly Mode[] => [
  embedded,
  { name: "nats", killsMin: 0, run: (of, { url: servers }) => runHistory({ ...of, servers }) },
  {
    name: "kill-worker",
    killsMin: 5,
    run: (of, { url: servers }) => runHistoryKilled({ ...of, servers, rate }, { everyMs }),
  },
  {
    name: "kill-server",
    killsMin: 1,
    run: (of, server) =>
      runHistoryOverServerKills({ ...of, servers: server.url, rate }, server, { everyMs: 1.5 * everyMs, shotsMax: 3 }),
  },
];

function modesOfFleet({ rate, workers, everyMs }: Fire): readonly Mode[] {
  const fleetOn = (of: Omit<HistoryRun, "servers">, { url: servers }: NatsServer): FleetRun => ({
    ...of,
    servers,
    rate,
    workers,
  });
  return [
    embedded,
    { name: "fleet", killsMin: 0, run: (of, server) => runHistory({ ...fleetOn(of, server), rate: undefined }) },
    {
      name: "kill-any",
      killsMin: 5,
      run: (of, server) => runFleetKilled(fleetOn(of, server), "worker", { everyMs }),
    },
    {
      name: "kill-leader",
      killsMin: 5,
      run: (of, server) => runFleetKilled(fleetOn(of, server), "leader", { everyMs }),
    },
    {
      name: "stop-any",
      killsMin: 1,
      run: (of, server) => runFleetStopped(fleetOn(of, server), stoppedMs, { everyMs, shotsMax: 1 }),
    },
    {
      name: "kill-server",
      killsMin: 1,
      run: (of, server) =>
        runHistoryOverServerKills(fleetOn(of, server), server, { everyMs: 1.5 * everyMs, shotsMax: 3 }),
    },
  ];
}

await exitWith(() => {
  if (flags.duration !== undefined && positionals.length === 0) return setOnFire(flags.duration);
  if (flags.duration === undefined && positionals.length > 0) return compareAll(positionals, fireOnFiles());
  throw new StreamError(
    "OPTION_INVALID",
    "give a time (npm run chaos -- --duration 60s --json), or CSV files with the columns timestamp,value (npm run chaos -- --json FILE.csv …)",
  );
});

async function setOnFire(duration: string): Promise<number> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const options = { ...fireOptions(duration), say };
  say(`seed ${options.seed}`);
  const report = await runGeneratorChaos(options);
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : `${JSON.stringify(report, null, 2)}\n`);
  const isWhole = report.lost + report.duplicated + report.wrongWindows === 0;
  return isWhole && report.replays.length > 0 && report.replays.every(({ isEqual }) => isEqual) ? 0 : 1;
}

/** @throws OPTION_INVALID */
function fireOptions(duration: string): Omit<ChaosOptions, "say"> {
  const { only, lines, "keep-servers": keep } = flags;
  const fireRate = Number(flags.rate ?? 5_000);
  if (!(fireRate >= 1_000 && fireRate % 1_000 === 0))
    throw new StreamError("OPTION_INVALID", `--rate is ${flags.rate}; it takes a multiple of 1000`);
  const replicas = Number(flags.replicas);
  if (![1, 3, 5].includes(replicas))
    throw new StreamError("OPTION_INVALID", `--replicas is ${flags.replicas}; it takes 1, 3 or 5`);
  const unknown = only?.find((name) => !faultNames.includes(name));
  if (unknown !== undefined)
    throw new StreamError("OPTION_INVALID", `--only is ${unknown}, and there are ${faultNames.join(", ")}`);
  const durationMs = parseDuration(duration as Duration, "--duration", { minMs: 1_000 });
  return {
    durationMs,
    replicas,
    seed: flags.seed ?? systemRandom().id(8),
    rate: fireRate,
    workers: wholeNumber("workers", flags.workers ?? "4", 1),
    only,
    lines,
    keep,
  };
}

async function compareAll(files: readonly string[], fire: Fire): Promise<number> {
  const modes = fire.workers === 0 ? modesOfProcess(fire) : modesOfFleet(fire);
  const unknown = flags.mode?.find((wanted) => !modes.some(({ name }) => name === wanted));
  if (unknown !== undefined)
    throw new StreamError(
      "OPTION_INVALID",
      `--mode is ${unknown}, and there are ${modes.map(({ name }) => name).join(", ")}`,
    );
  const folder = await mkdtemp(join(tmpdir(), "tidemark-chaos-"));
  let expected: readonly string[] | undefined;
  let isRight = true;
  const wanted = new Set(["embedded", ...(flags.mode ?? modes.map(({ name }) => name))]);
  for (const mode of modes.filter(({ name }) => wanted.has(name))) {
    const out = join(folder, `${mode.name}.jsonl`);
    const figures = await measure(mode, { inputs: files, out, limitMs }, expected);
    expected ??= figures.wrong === undefined ? sortedLines(out) : [];
    isRight &&= figures.equal;
    print(figures);
  }
  if (flags.keep) process.stderr.write(`the lines are in ${folder}\n`);
  else await rm(folder, { recursive: true, force: true });
  return isRight ? 0 : 1;
}

async function measure(
  mode: Mode,
  of: Omit<HistoryRun, "servers">,
  expected: readonly string[] | undefined,
): Promise<Figures> {
  // A server of its own for each run: no job meets another one's streams.
  const server = await startNatsServer();
  try {
    const { kills, seconds, exitCode, said } = await mode.run(of, server);
    const lines = sortedLines(of.out);
    const figures = { mode: mode.name, kills, lines: lines.length, seconds: Math.round(seconds * 10) / 10 };
    const wrong =
      exitCode === 0 ? difference(lines, expected ?? lines) : `exit code ${exitCode}: ${said.slice(-2).join(" | ")}`;
    if (wrong !== undefined) return { ...figures, equal: false, wrong };
    if (kills >= mode.killsMin) return { ...figures, equal: true };
    return { ...figures, equal: false, wrong: `only ${kills} kills, not ${mode.killsMin}: lower --rate` };
  } catch (error) {
    return { mode: mode.name, kills: 0, lines: 0, equal: false, seconds: 0, wrong: reasonOf(error) };
  } finally {
    await server.stop();
  }
}

/** The first line that is not in both, the same number of times; undefined when there is none. */
function difference(lines: readonly string[], expected: readonly string[]): string | undefined {
  const at = expected.findIndex((line, index) => lines[index] !== line);
  if (at < 0) return lines.length === expected.length ? undefined : `too much: ${lines[expected.length]}`;
  const line = lines[at];
  const wanted = expected[at] ?? "";
  return line !== undefined && line < wanted ? `too much: ${line}` : `missing: ${wanted}`;
}

function print(figures: Figures): void {
  if (flags.json) return void process.stdout.write(`${JSON.stringify(figures)}\n`);
  const { mode, kills, lines, equal, seconds, wrong } = figures;
  const verdict = equal ? "equal" : `NOT EQUAL: ${wrong}`;
  process.stdout.write(`${mode.padEnd(12)} ${kills} kills, ${lines} lines, ${verdict}, ${seconds} s\n`);
}
