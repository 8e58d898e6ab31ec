/**
 * Log lines: JSON on stderr for machines, one readable line on a terminal.
 *
 * Owns their form. Never prints a secret: fields named like one are masked, and so is the user part of any URL.
 *
 * G1. A field can hold anything (an error, a bigint, a cycle): a line is written whatever it is.
 */
import { StreamError } from "../errors.ts";
import type { LogLevel, Logger } from "./platform.ts";

type Fields = Readonly<Record<string, unknown>>;

/** How lines are written. */
export interface StderrLoggerOptions {
  /** The least urgent level that is written. @default "info" */
  readonly level?: LogLevel | undefined;
  /** `lines` is JSON, `readable` is for eyes. @default readable on a terminal, else lines */
  readonly form?: "lines" | "readable" | undefined;
  /** Where lines go. @default stderr */
  readonly write?: ((line: string) => void) | undefined;
  /** Time of a line, ms since the epoch. @default the system's */
  readonly now?: (() => number) | undefined;
}

/** The levels, the least urgent first. */
export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** The level that `text` names; the least urgent that is written. @throws OPTION_INVALID */
export function parseLogLevel(text: string, what: string): LogLevel {
  const level = logLevels.find((each) => each === text);
  if (level !== undefined) return level;
  throw new StreamError(
    "OPTION_INVALID",
    `${what} is ${JSON.stringify(text)}; it takes one of ${logLevels.join(", ")}`,
  );
}

const urgency = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<LogLevel, number>;

const secretName = /pass(word|wd|phrase)?$|secret|token|credential|creds$|authorization|nkey|seed$|jwt/i;

const urlUser = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi;

/** Discards everything. */
export const silentLogger: Logger = { log: () => {}, child: () => silentLogger };

// Taken before the guard of `determinism.ts` replaces it: a line written in a turn has the time at which it was written.
const systemNow = Date.now.bind(Date);

/** A logger on stderr. */
export function stderrLogger(options: StderrLoggerOptions = {}): Logger {
  const form = options.form ?? (process.stderr.isTTY ? "readable" : "lines");
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const now = options.now ?? systemNow;
  const least = urgency[options.level ?? "info"];
  const print = form === "lines" ? jsonLine : readableLine;
  return new LineLogger((level, message, fields) => {
    if (urgency[level] >= least) write(print(now(), level, message, fields));
  }, {});
}

class LineLogger implements Logger {
  readonly #print: (level: LogLevel, message: string, fields: Fields) => void;
  readonly #fields: Fields;

  constructor(print: (level: LogLevel, message: string, fields: Fields) => void, fields: Fields) {
    this.#print = print;
    this.#fields = fields;
  }

  log(level: LogLevel, message: string, fields?: Fields): void {
    this.#print(level, message, { ...this.#fields, ...fields });
  }

  child(fields: Fields): Logger {
    return new LineLogger(this.#print, { ...this.#fields, ...fields });
  }
}

function jsonLine(atMs: number, level: LogLevel, message: string, fields: Fields): string {
  return `${asJson({ at: new Date(atMs).toISOString(), level, message, ...fields })}\n`;
}

function readableLine(atMs: number, level: LogLevel, message: string, fields: Fields): string {
  const time = new Date(atMs).toISOString().slice(11, 23);
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  const rest = present.map(([name, value]) => ` ${name}=${word(asJson({ [name]: value }), name)}`);
  return `${time} ${level.padEnd(5)} ${withoutUsers(message)}${rest.join("")}\n`;
}

/** The value in `{"name":value}`, without quotes where it is one plain word. */
function word(json: string, name: string): string {
  const value = json.slice(JSON.stringify(name).length + 2, -1);
  return /^"[^\s"\\]+"$/.test(value) ? value.slice(1, -1) : value;
}

function asJson(fields: Fields): string {
  const path: unknown[] = [];
  return JSON.stringify(fields, function (this: unknown, name: string, value: unknown): unknown {
    while (path.length > 0 && path.at(-1) !== this) path.pop();
    if (value !== undefined && value !== null && secretName.test(name)) return "***";
    const plain = printable(value);
    if (typeof plain !== "object" || plain === null) return plain;
    if (path.includes(plain)) return "[cycle]";
    path.push(plain);
    return plain;
  });
}

function printable(value: unknown): unknown {
  if (typeof value === "string") return withoutUsers(value);
  if (typeof value === "bigint") return String(value);
  if (value instanceof Error) return describeError(value);
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  return value;
}

function describeError(error: Error): Fields {
  const code = "code" in error ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  return { name: error.name, ...code, message: error.message, stack: error.stack, ...cause };
}

function withoutUsers(text: string): string {
  return text.replace(urlUser, "$1***@");
}
