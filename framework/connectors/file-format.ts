/**
 * The contract between the reader of files and what it reads: where rows end, and what they mean.
 *
 * F1. Where a row ends depends on the bytes from its beginning on, and on nothing before (a reader may begin at any row).
 * F2. A broken row costs itself, at most up to the next line end that could be one: what follows is read as if it began there.
 */

/** The file that a row comes from. */
export interface SourceFile {
  /** As the program gave it. */
  readonly path: string;
  /** Its base name with extension. */
  readonly name: string;
}

/** A way to write rows into files. */
export interface FileFormat<T> {
  /**
   * Looks at the beginning of a file (all of it, when `isWhole`) before its first row is read.
   * @throws PATH_UNUSABLE when it does not begin as it must
   */
  begin(file: SourceFile, head: Buffer, isWhole: boolean): RowFormat<T>;
}

/** The rows of one file. */
export interface RowFormat<T> {
  /** Offset of the first row. */
  readonly startsAt: number;
  /**
   * Where the row that begins at `from` ends, its line end included, looking at no byte from `to` on; -1 when that cannot be said without the bytes
   * that follow. With `isLast` nothing follows, and the answer is never -1.
   */
  endOf(bytes: Buffer, from: number, to: number, isLast: boolean): number;
  /** Makes a record of a row, given without its line end. A throw says what is wrong with the row. */
  parse(row: string): T;
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Offset of the first byte behind a byte order mark. */
export function contentStart(head: Buffer): number {
  return head.subarray(0, byteOrderMark.length).equals(byteOrderMark) ? byteOrderMark.length : 0;
}

/** Where the line that begins at `from` ends: `RowFormat.endOf` for formats whose rows are lines. */
export function lineEnd(bytes: Buffer, from: number, to: number, isLast: boolean): number {
  const at = bytes.subarray(from, to).indexOf(lineFeed);
  if (at >= 0) return from + at + 1;
  return isLast ? to : -1;
}

/** Where the content of a row that ends at `end` ends: before its LF or CR LF. */
export function contentEnd(bytes: Buffer, from: number, end: number): number {
  if (end === from || bytes[end - 1] !== lineFeed) return end;
  return end - 1 > from && bytes[end - 2] === carriageReturn ? end - 2 : end - 1;
}
