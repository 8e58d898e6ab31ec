/**
 * What `examples/sensor-history.ts` must write, computed from all rows at once in plain code: the other side of the comparison.
 *
 * Knows nothing of streams. Which rows were late is an input: it depends on how far the files were read side by side. `rowsThatMayBeLate` says which
 * ones can be at all.
 */

/** A row of a file, in the order of the file. */
export interface HistoryRow {
  readonly at: number;
  readonly value: number;
}

/** The rows of every file, by its base name. */
export type HistoryRows = ReadonlyMap<string, readonly HistoryRow[]>;

/** A line of the output. */
export type HistoryLine = {
  readonly kind: string;
  readonly key: string;
  readonly start: string;
  readonly end: string;
} & Readonly<Record<string, string | number>>;

/** A line of the file of late rows. */
export interface LateLine {
  readonly key: string;
  readonly timestamp: string;
  readonly value: number;
}

const hourMs = 3_600_000;
const hoursBefore = 72;

interface Hour {
  readonly start: number;
  readonly values: readonly number[];
}

/** The good rows of a file of `timestamp,value` without quotes, zones or surprises. */
export function parseHistory(content: string): readonly HistoryRow[] {
  const [, ...lines] = content.replace("\ufeff", "").split(/\r?\n/);
  return lines.flatMap((line) => {
    const [, day, time, value] =
      /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d),(-?\d+(?:\.\d+)?(?:[eE]-?\d+)?)$/.exec(line) ?? [];
    return value === undefined ? [] : [{ at: Date.parse(`${day}T${time}Z`), value: Number(value) }];
  });
}

/** Every line that the rows make, in no order that matters. */
export function historyLines(rows: HistoryRows): readonly HistoryLine[] {
  return [...rows].flatMap(([key, ofKey]) => {
    const hours = hoursOf(ofKey);
    return [
      ...hours.map((hour) => hourLine(key, hour)),
      ...daysOf(hours).map((end) => dayLine(key, hours, end)),
      ...hours.flatMap((hour, at) => alertLine(key, hour, hours.slice(Math.max(0, at - hoursBefore), at))),
    ];
  });
}

function hoursOf(rows: readonly HistoryRow[]): readonly Hour[] {
  const starts = [...new Set(rows.map(({ at }) => startOfHour(at)))].toSorted((a, b) => a - b);
  const byStart = Map.groupBy(rows, ({ at }) => startOfHour(at));
  return starts.map((start) => ({ start, values: (byStart.get(start) ?? []).map(({ value }) => value) }));
}

function startOfHour(at: number): number {
  return Math.floor(at / hourMs) * hourMs;
}

function hourLine(key: string, { start, values }: Hour): HistoryLine {
  return {
    kind: "hour",
    key,
    ...span(start, start + hourMs),
    count: values.length,
    mean: mean(values),
    min: Math.min(...values),
    max: Math.max(...values),
  };
}

/** The ends of all windows of 24 hours, one per hour, that have a reading. */
function daysOf(hours: readonly Hour[]): readonly number[] {
  return [
    ...new Set(hours.flatMap(({ start }) => Array.from({ length: 24 }, (_, later) => start + (1 + later) * hourMs))),
  ];
}

function dayLine(key: string, hours: readonly Hour[], end: number): HistoryLine {
  const start = end - 24 * hourMs;
  const within = hours.filter((hour) => start <= hour.start && hour.start < end);
  return { kind: "day", key, ...span(start, end), max: Math.max(...within.flatMap(({ values }) => values)) };
}

function alertLine(key: string, { start, values }: Hour, before: readonly Hour[]): readonly HistoryLine[] {
  if (before.length < hoursBefore) return [];
  const means = before.map((hour) => mean(hour.values));
  const expected = mean(means);
  const sd = Math.sqrt(total(means.map((each) => (each - expected) ** 2)) / (hoursBefore - 1));
  const isInside = mean(values) >= expected - 3 * sd && mean(values) <= expected + 3 * sd;
  return isInside ? [] : [{ kind: "alert", key, ...span(start, start + hourMs), mean: mean(values), expected, sd }];
}

function span(start: number, end: number): { start: string; end: string } {
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
}

function total(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function mean(values: readonly number[]): number {
  return total(values) / values.length;
}

/**
 * The rows that a job may find late: those whose hour had ended, by the largest timestamp before them in their own file less the disorder. A job that
 * reads several files finds fewer of them late; one that reads faster than its event time moves finds fewer still.
 */
export function rowsThatMayBeLate(rows: HistoryRows, disorderMs: number): HistoryRows {
  return new Map(
    [...rows].map(([key, ofKey]) => {
      let largest = -Infinity;
      const late = ofKey.filter((row) => {
        const isLate = startOfHour(row.at) + hourMs <= largest - disorderMs;
        largest = Math.max(largest, row.at);
        return isLate;
      });
      return [key, late];
    }),
  );
}

/** The rows without those that were written as late. @throws when a late line is none of the rows, or there are more of it than rows */
export function withoutLate(rows: HistoryRows, late: readonly LateLine[]): HistoryRows {
  const left = new Map([...rows].map(([key, ofKey]) => [key, [...ofKey]]));
  for (const { key, timestamp, value } of late) {
    const ofKey = left.get(key) ?? [];
    // The last one: of equal rows the later ones are late.
    const at = ofKey.findLastIndex((row) => row.at === Date.parse(timestamp) && row.value === value);
    if (at < 0) throw new Error(`late, but no row: ${key} ${timestamp} ${value}`);
    ofKey.splice(at, 1);
  }
  return left;
}

/** What is wrong with `actual`: lines that are missing, are there twice, are not expected, or have another value. Nothing: it is right. */
export function differences(actual: readonly HistoryLine[], expected: readonly HistoryLine[]): readonly string[] {
  const left = new Map(expected.map((line) => [idOf(line), line]));
  const seen = new Set<string>();
  const wrong = actual.flatMap((line) => {
    const id = idOf(line);
    const wanted = left.get(id);
    if (seen.has(id)) return [`twice: ${id}`];
    seen.add(id);
    if (wanted === undefined) return [`not expected: ${JSON.stringify(line)}`];
    return isSame(line, wanted) ? [] : [`${JSON.stringify(line)} instead of ${JSON.stringify(wanted)}`];
  });
  return [...wrong, ...[...left.keys()].filter((id) => !seen.has(id)).map((id) => `missing: ${id}`)];
}

function idOf({ kind, key, start, end }: HistoryLine): string {
  return [kind, key, start, end].join(" ");
}

/** Same fields in the same order; sums may differ in their last digits. */
function isSame(a: HistoryLine, b: HistoryLine): boolean {
  const fields = Object.keys(b);
  return Object.keys(a).join() === fields.join() && fields.every((field) => isClose(a[field], b[field]));
}

function isClose(a: unknown, b: unknown): boolean {
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}
