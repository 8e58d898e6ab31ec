/**
 * `tidemark dead-letters JOB list | show N | drop N`.
 */
import type { Command } from "commander";
import {
  dropDeadLetters,
  getDeadLetter,
  listDeadLetters,
  type NumberedLetter,
} from "../administration/dead-letters.ts";
import { StreamError } from "../errors.ts";
import { administrate, administrationCommand, print, type AdministrationFlags } from "./administrate.ts";
import { counted, table, timeText } from "./table.ts";

interface DeadLettersFlags extends AdministrationFlags {
  readonly stage?: string;
  readonly reason?: string;
  readonly limit?: string;
}

const actions = ["list", "show", "drop"] as const;
const reasonMax = 80;

/** Adds the command. */
export function addDeadLettersCommand(program: Command): void {
  administrationCommand(program, "dead-letters", "list, show or drop records of a job that could not be processed")
    .argument("<job>", "name of the job")
    .argument("[action]", actions.join(", "), "list")
    .argument("[number]", "number of a letter, as list says it; to drop: or all")
    .option("--stage <name>", "list: only those of this stage")
    .option("--reason <text>", "list: only those whose code or reason contains this")
    .option("--limit <n>", "list: only the newest so many")
    .action(async (job: string, action: string, number: string | undefined, flags: DeadLettersFlags) => {
      if (action === "list") return list(job, number, flags);
      if (action === "show") return show(job, numberOf(number, action), flags);
      if (action === "drop") return drop(job, numberOf(number, action), flags);
      throw new StreamError("OPTION_INVALID", `dead-letters cannot ${JSON.stringify(action)}: ${actions.join(", ")}`);
    });
}

async function list(job: string, number: string | undefined, flags: DeadLettersFlags): Promise<void> {
  if (number !== undefined)
    throw new StreamError(
      "OPTION_INVALID",
      `list takes no number; to see ${number}: tidemark dead-letters ${job} show ${number}`,
    );
  const { stage, reason } = flags;
  const filter = { stage, reason, limit: limitOf(flags) };
  print(flags, await administrate(flags, (administrator) => listDeadLetters(administrator, job, filter)), listText);
}

async function show(job: string, number: string, flags: DeadLettersFlags): Promise<void> {
  print(flags, await administrate(flags, (administrator) => getDeadLetter(administrator, job, number)), letterText);
}

async function drop(job: string, number: string, flags: DeadLettersFlags): Promise<void> {
  const dropped = await administrate(flags, (administrator) => dropDeadLetters(administrator, job, number));
  print(flags, { job, dropped }, () => `${counted(dropped, "dead letter")} of job ${job} dropped`);
}

function numberOf(number: string | undefined, action: string): string {
  if (number !== undefined && (/^\d{1,15}\.\d{1,9}$/.test(number) || (action === "drop" && number === "all")))
    return number;
  const given = number === undefined ? "there is none" : `${JSON.stringify(number)} is none`;
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
