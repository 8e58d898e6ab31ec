/**
 * Comma-separated values as RFC 4180 has them: where a row ends in bytes, and its fields.
 *
 * A field that begins with a quote ends at its closing quote; two quotes inside stand for one; line ends and delimiters inside belong to it. A quote
 * anywhere else is a character like any other. Lines end in LF or CR LF.
 *
 * F2. Broken quoting (text behind a closing quote, a quote that is never closed) costs the line it begins on; the next line is a row again.
 */

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Where the scan of a row stands. */
type Place =
  /** At the beginning of a field. */
  | "start"
  /** In a field without quotes. */
  | "plain"
  /** Between quotes. */
  | "quoted"
  /** Behind a quote inside quotes: the end of the field, or the first half of a quote in it. */
  | "closed"
  /** Behind a closing quote and a carriage return: only a line feed may follow. */
  | "closing"
  /** Behind a mistake: the row ends with the line. */
  | "broken";

/** {@link import("./file-format.ts").RowFormat.endOf} for CSV; `delimiter` is one byte. */
export function csvRowEnd(bytes: Buffer, from: number, to: number, isLast: boolean, delimiter: number): number {
  let place: Place = "start";
  let firstLineEnd = -1;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === lineFeed) {
      if (place !== "quoted") return at + 1;
      if (firstLineEnd < 0) firstLineEnd = at + 1;
    } else {
      place = next(place, byte, delimiter);
      if (place === "broken" && firstLineEnd >= 0) return firstLineEnd;
    }
  }
  if (!isLast) return -1;
  return place === "quoted" && firstLineEnd >= 0 ? firstLineEnd : to;
}

function next(place: Place, byte: number, delimiter: number): Place {
  switch (place) {
    case "start":
      if (byte === quote) return "quoted";
      return byte === delimiter ? "start" : "plain";
    case "plain":
      return byte === delimiter ? "start" : "plain";
    case "quoted":
      return byte === quote ? "closed" : "quoted";
    case "closed":
      if (byte === quote) return "quoted";
      if (byte === delimiter) return "start";
      return byte === carriageReturn ? "closing" : "broken";
    case "closing":
    case "broken":
      return "broken";
  }
}

/** The fields of a row, given without its line end. A throw says what is wrong with its quotes. */
export function csvFields(row: string, delimiter: string): readonly string[] {
  if (!row.includes('"')) return row.split(delimiter);
  const fields: string[] = [];
  for (let at = 0; at <= row.length; at += 1) {
    const end = row[at] === '"' ? quotedEnd(row, at) : plainEnd(row, at, delimiter);
    if (end < row.length && row[end] !== delimiter) {
      throw new SyntaxError(`field ${fields.length + 1} has text behind its closing quote`);
    }
    fields.push(row[at] === '"' ? row.slice(at + 1, end - 1).replaceAll('""', '"') : row.slice(at, end));
    at = end;
  }
  return fields;
}

function plainEnd(row: string, from: number, delimiter: string): number {
  const at = row.indexOf(delimiter, from);
  return at < 0 ? row.length : at;
}

/** Index behind the closing quote of the field whose opening quote is at `from`. */
function quotedEnd(row: string, from: number): number {
  for (let at = row.indexOf('"', from + 1); at >= 0; at = row.indexOf('"', at + 2)) {
    if (row[at + 1] !== '"') return at + 1;
  }
  throw new SyntaxError("a quote is never closed");
}
