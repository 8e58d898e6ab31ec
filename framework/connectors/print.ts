/**
 * A sink that prints: readable lines on a terminal, JSON lines into a pipe or file.
 *
 * Owns the two forms. Within one process a row is printed once, even when its instance crashes; after a crash of the process rows may come again.
 */
import type { Writable } from "node:stream";
import { inspect } from "node:util";
import { StreamError } from "../errors.ts";
import type { RefusedRow, SinkRow, SinkSpec, SinkWriter } from "../log/sink.ts";
import { jsonOf } from "./json-form.ts";
import { Once, type Shown } from "./once.ts";

/** Options of {@link print}. */
export interface PrintOptions<T> {
  /**
   * `auto`: text when the output is a terminal, else JSON. `text`: one readable line per row. `json`: one JSON document per line,
   * `{ label, value }`, or the value alone when there is no label.
   * @default "auto"
   */
  readonly format?: "auto" | "text" | "json" | undefined;
  /**
   * The line of a value in text form.
   * @default the label, then the key and times of a window's result, then the value
   */
  readonly text?: ((value: T) => string) | undefined;
  /**
   * Where the lines go.
   * @default process.stdout
   */
  readonly output?: (Writable & { readonly isTTY?: boolean | undefined }) | undefined;
}

/**
 * Prints each result on a line of its own.
 *
 * @param label its name in plan, logs and tests, and the beginning of its lines
 * @example
 * averages.to(print("average CPU")); // average CPU  db-1  2026-01-01T10:00:00.000Z to 2026-01-01T10:05:00.000Z  37.25
 */
export function print<T>(label?: string, options: PrintOptions<T> = {}): SinkSpec<T> {
  const { format = "auto", text = (value) => lineOf(label, value), output = process.stdout } = options;
  const once = new Once();
  return {
    description: label === undefined ? "print" : `print(${label})`,
    name: label ?? "print",
    guarantee: "atLeastOnce",
    placement: "chained",
    encode: (value) => {
      const isText = format === "text" || (format === "auto" && output.isTTY === true);
      return `${isText ? text(value) : jsonOf(label === undefined ? value : { label, value })}\n`;
    },
    open: (identity) => Promise.resolve(new PrintWriter(output, once.of(identity))),
  };
}

/** Rows are their lines (`encode`). */
class PrintWriter implements SinkWriter {
  readonly #output: Writable;
  readonly #shown: Shown;

  constructor(output: Writable, shown: Shown) {
    this.#output = output;
    this.#shown = shown;
  }

  async write(rows: readonly SinkRow[]): Promise<readonly RefusedRow[]> {
    const fresh = rows.filter((row) => !this.#shown.has(row));
    const lines = fresh.map(({ value }) => value as string).join("");
    if (lines !== "") await this.#print(lines);
    for (const row of fresh) this.#shown.add(row);
    return [];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #print(lines: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#output.write(lines, (error) => {
        if (error && this.#output === process.stdout && hasNoReader(error)) return;
        if (error) reject(new StreamError("SINK_UNAVAILABLE", `print: ${error.message}`, { cause: error }));
        else resolve();
      });
    });
  }
}

/** The process is about to end for it (`reader-gone.ts`): there is nothing to say, and nothing to try again. */
function hasNoReader(error: NodeJS.ErrnoException): boolean {
  return error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED";
}

function lineOf(label: string | undefined, value: unknown): string {
  const parts = isWindowed(value)
    ? [wordOf(value.key), `${timeOf(value.window.start)} to ${timeOf(value.window.end)}`, wordOf(value.value)]
    : [wordOf(value)];
  return (label === undefined ? parts : [label, ...parts]).join("  ");
}

interface WindowResult {
  readonly key: unknown;
  readonly window: { readonly start: number; readonly end: number };
  readonly value: unknown;
}

function isWindowed(value: unknown): value is WindowResult {
  if (typeof value !== "object" || value === null || !("key" in value && "window" in value && "value" in value))
    return false;
  const { window } = value;
  return (
    typeof window === "object" &&
    window !== null &&
    "start" in window &&
    "end" in window &&
    isNumber(window.start) &&
    isNumber(window.end)
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

/** A time as people read it; the ends of time as they are. */
function timeOf(timestamp: number): string {
  const date = new Date(timestamp);
  return Number.isNaN(date.getTime()) ? String(timestamp) : date.toISOString();
}

/** Strings as they are unless they would change the terminal. */
function wordOf(value: unknown): string {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (typeof value === "string" && !/[\u0000-\u001f\u007f-\u009f]/.test(value)) return value;
  return inspect(value, { breakLength: Infinity, compact: true, depth: 6 });
}
