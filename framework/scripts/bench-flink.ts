/**
 * The same program on Flink, where it is at hand: `keyed-count` of a folder with a built or buildable Maven project beside this one.
 *
 * Owns nothing but how it is started and read. Where Java, Maven or the folder is absent the comparison is skipped, saying why.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** What Flink's run came to. */
export interface FlinkFigures {
  /** CPU seconds per million source events, of the whole process, over the second half of the run. */
  readonly cpuSecondsPerMillion: number;
  readonly eventsPerSecond: number;
}

const folder = resolve(import.meta.dirname, "../../../shared/peers/flink-nexmark");

/** Runs `keyed-count` for so many seconds, with a checkpoint every 10 s; answers why not when it cannot. */
export function measureFlink(seconds: number): FlinkFigures | string {
  if (!existsSync(join(folder, "run.sh"))) return `skipped: ${folder} is not there`;
  for (const tool of ["java", "mvn"])
    if (spawnSync(tool, ["-version"]).status !== 0) return `skipped: ${tool} is not there`;
  const place = mkdtempSync(join(tmpdir(), "tidemark-flink-"));
  try {
    return runIn(place, seconds);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** In a copy: nothing is written beside somebody else's sources. */
function runIn(place: string, seconds: number): FlinkFigures | string {
  cpSync(folder, place, { recursive: true });
  if (!existsSync(join(place, "target/classes"))) {
    const built = spawnSync("mvn", ["-q", "-B", "package"], { cwd: place, encoding: "utf8" });
    if (built.status !== 0) return `skipped: it does not build: ${`${built.stdout}${built.stderr}`.slice(0, 500)}`;
  }
  const args = [
    "run.sh",
    "Bench",
    "keyed-count",
    "--seconds",
    String(seconds),
    "--checkpoint-dir",
    join(place, "checkpoints"),
  ];
  const ran = spawnSync("sh", args, { cwd: place, encoding: "utf8" });
  const line = ran.stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) return `skipped: it printed no figures: ${`${ran.stdout}${ran.stderr}`.slice(0, 500)}`;
  const { lastHalfCpuSecondsPerMillion, lastHalfEventsPerSecond } = JSON.parse(line) as Record<string, number>;
  return {
    cpuSecondsPerMillion: lastHalfCpuSecondsPerMillion ?? Number.NaN,
    eventsPerSecond: lastHalfEventsPerSecond ?? Number.NaN,
  };
}
