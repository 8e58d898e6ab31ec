/**
 * Tables and figures as commands print them: plain text, aligned, without colour.
 */

/** Rows below a head, columns as wide as what is in them; nothing but the head when there are none. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  return [head, ...rows].map((row) => line(row)).join("\n");
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes for people: `1.5 MiB`. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power] ?? "B"}`;
}

/** Event time for people: ISO, or `-` before the first; `end` after the last. */
export function timeText(ms: number): string {
  if (ms === Infinity) return "end";
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "-";
}

/** `1 worker`, `2 workers`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
