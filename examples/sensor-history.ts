/**
 * Recorded sensor data: what each hour and the last 24 hours were like, and which hours were unlike those before.
 *
 * node examples/sensor-history.ts --input FILE.csv … --out FILE.jsonl [--disorder 1h] [--rate N] [--nats URL] [--workers N]
 *
 * Input: rows `timestamp,value`, one sensor per file; timestamps without a zone are UTC. Output, one line per result, each with `key` (the file's base
 * name), `start` and `end`:
 *
 *   hour    each hour with readings: count, mean, min, max
 *   day     every hour, the last 24 hours: max
 *   alert   an hour whose mean is more than three standard deviations from those of the last 72 hours with readings: mean, expected, sd
 *
 * A reading may be `--disorder` older than the newest one of its file. What comes when its hour was over by that measure goes to FILE.late.jsonl: a
 * question of the file alone, so that the same files make the same lines, however fast they are read and whatever crashes.
 */
import { extname } from "node:path";
import { parseArgs } from "node:util";
import {
  type Duration,
  file,
  type Job,
  job,
  max,
  parseDuration,
  run,
  sliding,
  StreamError,
  tumbling,
  value,
} from "tidemark";
import { csv, type SourceFile } from "tidemark/connectors/file";
import { fromCommandLine, homeOf } from "./command-line.ts";

interface Reading {
  readonly key: string;
  readonly at: number;
  readonly value: number;
}

const hoursBefore = 72;
const deviationsMax = 3;

/** The job; `tidemark run` and `tidemark plan` take it from here. */
export default function sensorHistory(args: string[]): Job {
  const { inputs, out, outOfOrderness, rate } = options(args);
  const history = job("sensor-history", { snapshotInterval: "500ms" });

  const readings = history
    .source("readings", csv(inputs, { columns: ["timestamp", "value"], parse: readingOf, equalNames: "refuse", rate }))
    .timestamps((reading) => reading.at, { outOfOrderness });

  const checked = readings
    .keyBy((reading) => reading.key)
    .process({
      state: { newest: value<number>() },
      process(reading, { state }) {
        const newest = state.newest.get() ?? -Infinity;
        state.newest.set(Math.max(newest, reading.at));
        return [{ ...reading, isLate: endOfHour(reading.at) <= newest - outOfOrderness }];
      },
    })
    .named("in-time");

  const hours = checked
    .filter((reading) => !reading.isLate)
    .keyBy((reading) => reading.key)
    .window(tumbling("1h"))
    .aggregate((of) => ({
      count: of.count(),
      mean: of.average((reading) => reading.value),
      min: of.min((reading) => reading.value),
      max: of.max((reading) => reading.value),
    }))
    .named("hours");

  const days = hours
    .keyBy((hour) => hour.key)
    .window(sliding("24h", "1h"))
    .aggregate(max((hour) => hour.value.max))
    .named("days");

  const alerts = hours
    .keyBy((hour) => hour.key)
    .process({
      state: { means: value<readonly number[]>() },
      process({ key, window, value: { mean } }, { state }) {
        const means = state.means.get() ?? [];
        state.means.set([...means, mean].slice(-hoursBefore));
        if (means.length < hoursBefore) return [];
        const expected = meanOf(means);
        const sd = deviationOf(means);
        const isUnlike = Math.abs(mean - expected) > deviationsMax * sd;
        return isUnlike ? [{ kind: "alert", key, ...spanOf(window), mean, expected, sd }] : [];
      },
    })
    .named("alerts");

  hours
    .map(({ key, window, value: { count, mean, min, max: peak } }) => ({
      kind: "hour",
      key,
      ...spanOf(window),
      count,
      mean,
      min,
      max: peak,
    }))
    .union(
      days.map(({ key, window, value: peak }) => ({ kind: "day", key, ...spanOf(window), max: peak })),
      alerts,
    )
    .to(file(out))
    .named("history");

  checked
    .filter((reading) => reading.isLate)
    .map((reading) => ({ key: reading.key, timestamp: new Date(reading.at).toISOString(), value: reading.value }))
    .to(file(lateOf(out)))
    .named("late-readings");

  return history;
}

/** A row as a reading; one that is none goes to the dead letters with the reason. */
function readingOf(row: { readonly timestamp: string; readonly value: string }, { name }: SourceFile): Reading {
  const at = utc(row.timestamp);
  if (Number.isNaN(at)) throw new Error(`timestamp is "${row.timestamp}"; it takes YYYY-MM-DD hh:mm:ss`);
  const number = row.value.trim() === "" ? Number.NaN : Number(row.value);
  if (!Number.isFinite(number)) throw new Error(`value is "${row.value}"; it takes a number`);
  return { key: name, at, value: number };
}

const timeNotation = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:\d\d)?$/;

/** Milliseconds since the epoch; NaN when `text` is no time. */
function utc(text: string): number {
  const [, day = "", time = "00:00", zone = "Z"] = timeNotation.exec(text.trim()) ?? [];
  const midnight = Date.parse(`${day}T00:00Z`);
  // 30 February would be taken for 2 March.
  const isInCalendar = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  return isInCalendar ? Date.parse(`${day}T${time}${zone}`) : Number.NaN;
}

function endOfHour(at: number): number {
  const hourMs = 3_600_000;
  return (Math.floor(at / hourMs) + 1) * hourMs;
}

function spanOf({ start, end }: { readonly start: number; readonly end: number }): { start: string; end: string } {
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}

/** Sample standard deviation. */
function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (values.length - 1));
}

/** `x.jsonl` becomes `x.late.jsonl`. */
function lateOf(out: string): string {
  const extension = extname(out);
  return `${out.slice(0, out.length - extension.length)}.late${extension}`;
}

function options(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      input: { type: "string", multiple: true, default: [] },
      out: { type: "string" },
      disorder: { type: "string", default: "1h" },
      rate: { type: "string" },
      nats: { type: "string" },
      workers: { type: "string" },
    },
  });
  const inputs = [...values.input, ...positionals];
  if (inputs.length === 0)
    throw new StreamError("OPTION_INVALID", "--input is missing; it takes one or more CSV files");
  if (values.out === undefined) throw new StreamError("OPTION_INVALID", "--out is missing; it takes the file to write");
  return {
    inputs,
    out: values.out,
    outOfOrderness: parseDuration(values.disorder as Duration, "--disorder"),
    rate: values.rate === undefined ? undefined : Number(values.rate),
    home: homeOf(values),
  };
}

if (import.meta.main) {
  await fromCommandLine((args) => {
    const { home } = options(args);
    return run(sensorHistory(args), home);
  });
}
