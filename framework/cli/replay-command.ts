/**
 * `tidemark replay JOB STAGE/PARTITION`.
 *
 * Owns what is printed and the exit code: 0 when the replay is equal to what the job did, 1 when it is not. With `--inspect` the process waits for a
 * debugger, and stops in front of the message that `--pause-at` names.
 */
import { open, waitForDebugger } from "node:inspector";
import { inspect } from "node:util";
import type { Command } from "commander";
import type { Administrator } from "../administration/administrator.ts";
import type { ComparedRecord, OutputDifference } from "../replay/logged-outputs.ts";
import { replayInstance, type ReplayReport, type ReplayStart } from "../replay/replay.ts";
import { messageText, type ReplayTrace } from "../replay/trace.ts";
import { StreamError } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import { installDeterminism } from "../platform/determinism.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { clusterOf } from "./connection-flags.ts";
import { planOf } from "./given-program.ts";
import { counted, timeText } from "./table.ts";

interface ReplayFlags extends AdministrationFlags {
  readonly program?: string;
  readonly from?: string;
  readonly to?: string;
  readonly trace?: boolean;
  readonly inspect?: string | true;
  readonly pauseAt?: string;
}

const inspectorPort = 9229;

/** Adds the command. */
export function addReplayCommand(program: Command): void {
  administrationCommand(
    program,
    "replay",
    "run an actor of a job again in this process, and compare: its outputs with the logs, its state with its snapshot",
  )
    .argument("<job>", "name of the job")
    .argument("<instance>", "STAGE/PARTITION, as tidemark status prints it")
    .argument("[args...]", "arguments of the program, behind --")
    .requiredOption("--program <file>", "program file of the job")
    .option("--replicas <n>", "copies, as the job was started with (or TIDEMARK_REPLICAS)")
    .option(
      "--from <snapshot>",
      "previous, current, start, or a snapshot's message (default: previous, or start while there is none)",
    )
    .option("--to <message>", "last message (default: the last one; of a split, the last one that its snapshot has)")
    .option("--trace", "print each message, and how much was said in its turn")
    .option("--inspect [port]", "wait for a debugger on this port of loopback before the first turn")
    .option("--pause-at <message>", "with --inspect: stop in front of this message's turn")
    .action(replay);
}

async function replay(job: string, instance: string, args: string[], flags: ReplayFlags): Promise<void> {
  const plan = await planOf(flags.program ?? "", args, clusterOf(flags).replicas);
  const from = startOf(flags.from);
  const to = flags.to === undefined ? undefined : messageOf(flags.to, "--to");
  const pauseAt = flags.pauseAt === undefined ? undefined : messageOf(flags.pauseAt, "--pause-at");
  if (pauseAt !== undefined && flags.inspect === undefined)
    throw new StreamError("OPTION_INVALID", "--pause-at stops in a debugger: add --inspect");
  if (flags.inspect !== undefined) attachDebugger(flags.inspect);
  if (plan.options.deterministicGlobals) installDeterminism();
  const trace = traceOf(plan, flags, pauseAt);
  const report = await administrate(flags, (administrator: Administrator) => {
    const ends = { cluster: clusterOf(flags), logger: administrator.platform.logger };
    return replayInstance(administrator, job, { instance, plan, ends, from, to, trace });
  });
  print(flags, report, reportText);
  if (!report.isEqual) process.exitCode = 1;
}

/** On loopback only: who reaches the port may run anything. */
function attachDebugger(port: string | true): void {
  open(port === true ? inspectorPort : messageOf(port, "--inspect"), "127.0.0.1");
  waitForDebugger();
}

function startOf(text: string | undefined): ReplayStart | undefined {
  if (text === undefined || text === "previous" || text === "current" || text === "start") return text;
  return messageOf(text, "--from");
}

function messageOf(text: string, flag: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new StreamError("OPTION_INVALID", `${flag} ${JSON.stringify(text)}: a whole number`);
}

function traceOf(plan: Plan, flags: ReplayFlags, pauseAt: number | undefined): ReplayTrace {
  let what = "";
  const say = (line: string) => {
    if (flags.trace === true) process.stderr.write(`${line}\n`);
  };
  return {
    beforeTurn: (position) => {
      // oxlint-disable-next-line no-debugger -- what `--pause-at` is for
      if (position + 1 === pauseAt) debugger;
    },
    taken: (entry) => {
      what = flags.trace === true ? `stored ${timeText(entry.storedAtMs)}  ${messageText(plan, entry)}` : "";
    },
    afterTurn: (position, records, isUnfinished) => {
      say(`${position}  ${what}${isUnfinished ? "  (a slice)" : ""}  said ${counted(records, "record")}`);
    },
  };
}

function reportText(report: ReplayReport): string {
  const { instance, from, to, turns, records, rows, outputs, state, isEqual } = report;
  const begin = from === 0 ? "from the first message" : `from the snapshot at ${from}`;
  const { compared, trimmed, pending, differences } = outputs;
  const lines = [
    `${instance} ${begin} to ${to}: ${counted(turns, "turn")}, ${counted(records, "record")}${rowsText(rows)}`,
    `outputs: ${compared} of ${records} are in the logs (${trimmed} trimmed since, ${pending} not there yet); ${counted(differences, "difference")}`,
    stateText(state),
    ...versionLines(report),
    ...(outputs.difference === undefined ? [] : differenceLines(outputs.difference)),
    isEqual ? "equal" : "NOT EQUAL",
  ];
  return lines.join("\n");
}

function rowsText(rows: ReplayReport["rows"]): string {
  return Object.entries(rows)
    .map(([sink, count]) => `, ${counted(count, "row")} to ${sink}`)
    .join("");
}

function stateText(state: ReplayReport["state"]): string {
  if (state === undefined) return "state: no snapshot on the way to compare with";
  const { at, different } = state;
  return different.length === 0
    ? `state: equal to the snapshot at ${at}`
    : `state: not that of the snapshot at ${at}:\n  ${different.join("\n  ")}`;
}

function versionLines({ versions }: ReplayReport): readonly string[] {
  return Object.entries(versions).flatMap(([what, { snapshot, here }]) =>
    snapshot === here || snapshot === "" ? [] : [`${what}: the snapshot is of ${snapshot}, this is ${here}`],
  );
}

function differenceLines({
  kind,
  edge,
  to,
  number,
  position,
  sequence,
  epoch,
  replayed,
  logged,
}: OutputDifference): readonly string[] {
  const head = `first difference: ${edge} to ${to}, record ${number}, said in the turn of message ${position}`;
  const there =
    kind === "missing" || logged === undefined
      ? "is not there"
      : `${shown(logged)} (message ${sequence}, epoch ${epoch})`;
  return [head, `  replayed: ${shown(replayed)}`, `  logged:   ${there}`];
}

function shown({ value, timestamp }: ComparedRecord): string {
  const text = inspect(value, { breakLength: Infinity, compact: true, depth: 6 });
  return timestamp === undefined ? text : `${text} at ${timeText(timestamp)}`;
}
