/**
 * `tidemark tap JOB EDGE`.
 *
 * Owns what is printed: a line for each record as it goes over the edge, until somebody ends it.
 */
import { once } from "node:events";
import { inspect } from "node:util";
import type { Command } from "commander";
import { openTap, type TapOptions, type TappedRecord } from "../administration/tap.ts";
import { jsonOf } from "../connectors/json-form.ts";
import { StreamError } from "../errors.ts";
import { whenReaderGone } from "../reader-gone.ts";
import { type Duration, parseDuration } from "../time/duration.ts";
import { administrate, administrationCommand, type AdministrationFlags } from "./administrate.ts";
import { clusterOf } from "./connection-flags.ts";
import { planOf } from "./given-program.ts";
import { timeText } from "./table.ts";

interface TapFlags extends AdministrationFlags {
  readonly program?: string;
  readonly from: string;
  readonly partition?: string;
  readonly limit?: string;
  readonly duration?: string;
  readonly repeats?: boolean;
}

/** Adds the command. */
export function addTapCommand(program: Command): void {
  administrationCommand(program, "tap", "watch an edge of a job: each record as it goes from one stage to the next")
    .argument("<job>", "name of the job")
    .argument("<edge>", "name of the edge, as tidemark plan prints it: readings.average, average.dead, average.late")
    .argument("[args...]", "arguments of the program, behind --")
    .option("--from <where>", "now: what comes from here on; start: what the inboxes still hold, too", "now")
    .option("--partition <n>", "only what goes into this partition")
    .option("--limit <n>", "end after so many records")
    .option("--duration <duration>", "end after this long")
    .option("--repeats", "also what the receiver drops because it has been said before")
    .option("--program <file>", "program file, for edges with a codec of their own")
    .option("--replicas <n>", "with --program: copies, as the job was started with (or TIDEMARK_REPLICAS)")
    .action(tap);
}

async function tap(job: string, edge: string, args: string[], flags: TapFlags): Promise<void> {
  const options = await optionsOf(edge, args, flags);
  const limit = flags.limit === undefined ? Infinity : wholeNumber(flags.limit, "--limit", 1);
  const durationMs =
    flags.duration === undefined ? undefined : parseDuration(flags.duration as Duration, "--duration", { minMs: 1 });
  const ending = new AbortController();
  await administrate(flags, async (administrator) => {
    let shown = 0;
    const close = await openTap(administrator, job, options, {
      onRecord: (record) => {
        if (shown >= limit) return;
        shown += 1;
        process.stdout.write(`${flags.json === true ? jsonOf(record) : lineOf(record)}\n`);
        if (shown >= limit) ending.abort();
      },
      onMissed: (to, what) => process.stderr.write(`partition ${to}: ${what}\n`),
    });
    if (durationMs !== undefined) administrator.platform.clock.schedule(durationMs, () => ending.abort());
    await untilEnded(ending.signal);
    close();
  });
}

async function optionsOf(edge: string, args: string[], flags: TapFlags): Promise<TapOptions> {
  const { from, partition, repeats, program } = flags;
  if (from !== "now" && from !== "start")
    throw new StreamError("OPTION_INVALID", `--from ${JSON.stringify(from)}: now or start`);
  return {
    edge,
    from,
    repeats,
    partition: partition === undefined ? undefined : wholeNumber(partition, "--partition", 0),
    plan: program === undefined ? undefined : await planOf(program, args, clusterOf(flags).replicas),
  };
}

/** A signal ends the watching, and so does a pipe that nobody reads any more. */
async function untilEnded(signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const any = AbortSignal.any([signal, stop.signal]);
  const end = () => stop.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  const stopWatching = whenReaderGone(end);
  if (!any.aborted) await once(any, "abort");
  stopWatching();
  process.off("SIGINT", end).off("SIGTERM", end);
}

/** A flag that is a whole number. @throws OPTION_INVALID */
function wholeNumber(text: string, flag: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new StreamError("OPTION_INVALID", `${flag} ${JSON.stringify(text)}: a whole number from ${min} on`);
}

function lineOf({ from, to, number, sequence, timestamp, value, isRepeated }: TappedRecord): string {
  const time = timestamp === undefined ? "" : `  ${timeText(timestamp)}`;
  const text = inspect(value, { breakLength: Infinity, compact: true, depth: 6 });
  return `${from} > ${to}  #${number}  message ${sequence}${time}${isRepeated ? "  (repeated)" : ""}  ${text}`;
}
