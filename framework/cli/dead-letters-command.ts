/**
 * `tidemark dead-letters JOB list | show N | drop N | replay N …`.
 */
import type { Command } from "commander";
import {
  dropDeadLetters,
  getDeadLetter,
  listDeadLetters,
  type LetterFilter,
  type NumberedLetter,
} from "../administration/dead-letters.ts";
import { replayDeadLetters, type LetterChoice, type RedeliveryResult } from "../administration/redelivery.ts";
import { StreamError } from "../errors.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { counted, table, timeText } from "./table.ts";

interface DeadLettersFlags extends AdministrationFlags {
  readonly stage?: string;
  readonly reason?: string;
  readonly limit?: string;
}

const actions = ["list", "show", "drop", "replay"] as const;
const reasonMax = 80;

/** Adds the command. */
export function addDeadLettersCommand(program: Command): void {
  administrationCommand(
    program,
    "dead-letters",
    "list, show, drop or replay records of a job that could not be processed",
  )
    .argument("<job>", "name of the job")
    .argument("[action]", actions.join(", "), "list")
    .argument("[numbers...]", "number of a letter, as list says it; to drop, or replay: or all; to replay: or several")
    .option("--stage <name>", "list, replay: only those of this stage")
    .option("--reason <text>", "list, replay: only those whose code or reason contains this")
    .option("--limit <n>", "list, replay: only the newest so many")
    .action(async (job: string, action: string, numbers: readonly string[], flags: DeadLettersFlags) => {
      if (action === "list") return list(job, numbers[0], flags);
      if (action === "show") return show(job, numberOf(numbers, action), flags);
      if (action === "drop") return drop(job, numberOf(numbers, action), flags);
      if (action === "replay") return replay(job, numbers, flags);
      throw new StreamError("OPTION_INVALID", `dead-letters cannot ${JSON.stringify(action)}: ${actions.join(", ")}`);
    });
}

async function list(job: string, number: string | undefined, flags: DeadLettersFlags): Promise<void> {
  if (number !== undefined)
    throw new StreamError(
      "OPTION_INVALID",
      `list takes no number; to see ${number}: tidemark dead-letters ${job} show ${number}`,
    );
  const filter = filterOf(flags);
  print(flags, await administrate(flags, (administrator) => listDeadLetters(administrator, job, filter)), listText);
}

async function show(job: string, number: string, flags: DeadLettersFlags): Promise<void> {
  print(flags, await administrate(flags, (administrator) => getDeadLetter(administrator, job, number)), letterText);
}

async function drop(job: string, number: string, flags: DeadLettersFlags): Promise<void> {
  const dropped = await administrate(flags, (administrator) => dropDeadLetters(administrator, job, number));
  print(flags, { job, dropped }, () => `${counted(dropped, "dead letter")} of job ${job} dropped`);
}

async function replay(job: string, numbers: readonly string[], flags: DeadLettersFlags): Promise<void> {
  const choice = choiceOf(numbers, flags);
  const result = await administrate(flags, (administrator) => replayDeadLetters(administrator, job, choice));
  print(flags, result, replayText);
  if (result.refused.length > 0) process.exitCode = 1;
}

function choiceOf(numbers: readonly string[], flags: DeadLettersFlags): LetterChoice {
  const filter = filterOf(flags);
  const isFiltered = Object.values(filter).some((part) => part !== undefined);
  if (numbers.length === 0 ? isFiltered : numbers.length === 1 && numbers[0] === "all") return { filter };
  const wrong = numbers.find((number) => !isNumber(number));
  if (numbers.length > 0 && wrong === undefined && !isFiltered) return { numbers };
  const given = wrong === undefined ? "" : `; ${JSON.stringify(wrong)} is none`;
  throw new StreamError(
    "OPTION_INVALID",
    `replay takes numbers of letters, like 12.1; or --stage, --reason, --limit; or all${given}`,
  );
}

function replayText({ job, replayed, before, refused }: RedeliveryResult): string {
  const told = [
    `${counted(replayed.length, "dead letter")} of job ${job} replayed`,
    ...(before.length === 0 ? [] : [`${before.length} replayed before`]),
    ...(refused.length === 0 ? [] : [`${refused.length} refused:`]),
  ];
  return [told.join(", "), ...refused.map(({ number, reason }) => `  ${number}  ${reason}`)].join("\n");
}

function filterOf(flags: DeadLettersFlags): LetterFilter {
  const { stage, reason } = flags;
  return { stage, reason, limit: limitOf(flags) };
}

function isNumber(number: string): boolean {
  return /^\d{1,15}\.\d{1,9}$/.test(number);
}

function numberOf(numbers: readonly string[], action: string): string {
  const [number] = numbers;
  if (number !== undefined && numbers.length === 1 && (isNumber(number) || (action === "drop" && number === "all")))
    return number;
  const several = numbers.length > 1 ? `there are ${numbers.length}` : `${JSON.stringify(number)} is none`;
  const given = number === undefined ? "there is none" : several;
  throw new StreamError(
    "OPTION_INVALID",
    `${action} takes the number of a letter, like 12.1${action === "drop" ? ", or all" : ""}; ${given}`,
  );
}

function limitOf({ limit }: DeadLettersFlags): number | undefined {
  if (limit === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit);
  throw new StreamError("OPTION_INVALID", `--limit is ${JSON.stringify(limit)}; it takes a number from 1 on`);
}

function listText(letters: readonly NumberedLetter[]): string {
  if (letters.length === 0) return "no dead letters";
  const rows = letters.map(({ number, at, stage, partition, operator, code, key, reason }) => [
    number,
    timeText(at),
    `${stage}/${partition}`,
    operator,
    code,
    key || "-",
    firstLine(reason),
  ]);
  return table(["NUMBER", "AT", "INSTANCE", "OPERATOR", "CODE", "KEY", "REASON"], rows);
}

function letterText({
  number,
  at,
  stage,
  partition,
  sequence,
  operator,
  code,
  reason,
  stack,
  key,
  timestamp,
  value,
}: NumberedLetter): string {
  const facts = [
    ["number", number],
    ["at", timeText(at)],
    ["instance", `${stage}/${partition}, message ${sequence}`],
    ["operator", operator],
    ["reason", `${code}: ${reason}`],
    ["key", key || "-"],
    ["timestamp", timestamp === undefined ? "-" : timeText(timestamp)],
    ["record", JSON.stringify(value, asText) ?? "undefined"],
  ];
  const text = facts.map(([name, what]) => `${`${name}:`.padEnd(11)}${what}`).join("\n");
  return stack === "" ? text : `${text}\n${stack}`;
}

function asText(_name: string, part: unknown): unknown {
  if (typeof part === "bigint") return `${part}n`;
  if (part instanceof Uint8Array) return Buffer.from(part).toString("hex");
  return part;
}

function firstLine(text: string): string {
  const [line = ""] = text.split("\n");
  return line.length > reasonMax ? `${line.slice(0, reasonMax - 1)}…` : line;
}
