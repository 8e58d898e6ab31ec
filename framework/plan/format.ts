/**
 * Bytes, durations and tables as people read them.
 */
import { formatDuration } from "../time/duration.ts";

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `134217728` as `128 MiB`; at most one digit behind the point. */
export function bytesText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < byteUnits.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${Math.round(amount * 10) / 10} ${byteUnits[unit]}`;
}

/** `90000` as `1m30s`; `Infinity` as `never`. */
export function spanText(ms: number): string {
  return ms === Infinity ? "never" : formatDuration(ms);
}

/** Rows as lines, every column as wide as its widest cell; the first row is the heading. */
export function tableText(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
