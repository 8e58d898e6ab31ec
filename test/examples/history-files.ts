/**
 * Makes CSV files for `examples/sensor-history.ts` from a seed, with everything that real ones have: disorder, gaps, equal timestamps, rows that are none,
 * several line ends.
 */
import type { HistoryRow, HistoryRows } from "./naive-history.ts";

/** What the files are like. */
export interface HistoryFilesOptions {
  readonly seed: number;
  /** @default 3 */
  readonly files?: number | undefined;
  /** Hours from the first row of a file to its last. @default 120 */
  readonly hours?: number | undefined;
  /** Rows per hour on average. @default 6 */
  readonly rowsPerHour?: number | undefined;
  /** Rows come less than this behind the newest one before them. @default one hour */
  readonly disorderMs?: number | undefined;
  /** Share of rows that come up to six hours behind that. @default 0 */
  readonly lateShare?: number | undefined;
  /** Share of lines that are no rows. @default 0.01 */
  readonly badShare?: number | undefined;
}

/** Files and what is in them. */
export interface HistoryFiles {
  /** Content by base name. */
  readonly contents: ReadonlyMap<string, string>;
  /** The good rows by base name, in the order of the file. */
  readonly rows: HistoryRows;
  /** Number of lines that are no rows. */
  readonly bad: number;
}

const hourMs = 3_600_000;
const firstAt = Date.UTC(2014, 1, 27, 21, 30);

const badLines: readonly string[] = [
  "2014-03-01 00:00:00",
  "2014-03-01 00:00:00,",
  "2014-03-01 00:00:00,n/a",
  "2014-03-01 00:00:00,1,2",
  "2014-02-30 00:00:00,1",
  "yesterday,1",
  ",1",
  '2014-03-01 00:00:00,"1',
  '"2014-03-01 00:00:00"x,1',
];

/** Makes them; the same options make the same ones. */
export function historyFiles(options: HistoryFilesOptions): HistoryFiles {
  const chance = chanceOf(options.seed);
  const contents = new Map<string, string>();
  const rows = new Map<string, readonly HistoryRow[]>();
  let bad = 0;
  for (let index = 0; index < (options.files ?? 3); index += 1) {
    const name = `sensor-${index}.csv`;
    const ofFile = disorder(walk(chance, options), chance, options);
    const lines = ofFile.flatMap((row) => {
      const isBad = chance() < (options.badShare ?? 0.01);
      if (isBad) bad += 1;
      const junk = badLines[Math.floor(chance() * badLines.length)] ?? "";
      return isBad ? [junk, lineOf(row, chance)] : [lineOf(row, chance)];
    });
    rows.set(name, ofFile);
    contents.set(name, contentOf(lines, index));
  }
  return { contents, rows, bad };
}

/** Rows in order of time: a day's rhythm with noise, now and then an hour that is unlike the others, gaps, and equal timestamps. */
function walk(chance: () => number, { hours = 120, rowsPerHour = 6 }: HistoryFilesOptions): readonly HistoryRow[] {
  const rows: HistoryRow[] = [];
  const end = firstAt + hours * hourMs;
  let unlikeUntil = 0;
  for (let at = firstAt; at < end; at += stepMs(chance, rowsPerHour)) {
    if (chance() < 0.01) unlikeUntil = at + hourMs;
    const rhythm = 20 + 2 * Math.sin((at / hourMs / 24) * 2 * Math.PI);
    const unlike = at < unlikeUntil ? 40 : 0;
    rows.push({ at, value: Math.round((rhythm + chance() + unlike) * 1e6) / 1e6 });
  }
  return rows;
}

/** Whole seconds; sometimes none, sometimes hours. */
function stepMs(chance: () => number, rowsPerHour: number): number {
  const draw = chance();
  if (draw < 0.03) return 0;
  if (draw < 0.035) return Math.ceil(chance() * 30 * 3_600) * 1_000;
  return Math.ceil((chance() * 2 * 3_600) / rowsPerHour) * 1_000;
}

/** Puts rows where they come when each is held up a little, and some a lot. */
function disorder(
  rows: readonly HistoryRow[],
  chance: () => number,
  options: HistoryFilesOptions,
): readonly HistoryRow[] {
  const { disorderMs = hourMs, lateShare = 0 } = options;
  const comesAt = rows.map((row) => {
    const isLate = chance() < lateShare;
    return { row, at: row.at + chance() * disorderMs + (isLate ? chance() * 6 * hourMs : 0) };
  });
  return comesAt.toSorted((a, b) => a.at - b.at).map(({ row }) => row);
}

/** A row in one of the notations that a file may have. */
function lineOf({ at, value }: HistoryRow, chance: () => number): string {
  const iso = new Date(at).toISOString();
  const draw = chance();
  if (draw < 0.1) return `${iso},${value}`;
  if (draw < 0.2) return `"${iso.slice(0, 19)}","${value}"`;
  return `${iso.slice(0, 19).replace("T", " ")},${value}`;
}

/** The first file as most are; the others with a byte order mark, CR LF, empty lines, or without a last line end. */
function contentOf(lines: readonly string[], index: number): string {
  const lineEnd = index % 2 === 0 ? "\n" : "\r\n";
  const mark = index % 3 === 1 ? "\ufeff" : "";
  const last = index % 3 === 2 ? "" : lineEnd;
  const blank = index % 4 === 3 ? lineEnd : "";
  return mark + ["timestamp,value", ...lines].join(lineEnd + blank) + last;
}

/** Numbers in [0, 1) from a seed (mulberry32). */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
