/**
 * Files of comma-separated values as a source.
 *
 * Owns header and columns; quoting is `csv-rows.ts`, reading `file-source.ts`.
 */
import { StreamError } from "../errors.ts";
import type { SourceSpec } from "../log/source.ts";
import { csvFields, csvRowEnd } from "./csv-rows.ts";
import { contentEnd, contentStart, type FileFormat, type SourceFile } from "./file-format.ts";
import { fileSource, type FileSourceOptions } from "./file-source.ts";

/** A row by the names of its columns. */
export type CsvRow<Column extends string = string> = { readonly [Name in Column]: string };

/** Options of {@link csv}. */
export interface CsvOptions<Column extends string, T> extends FileSourceOptions<T> {
  /**
   * The columns to read. With a header they must be among those it names, in any order; without one they name the fields from left to right.
   * @default all that the header names
   */
  readonly columns?: readonly Column[] | undefined;
  /**
   * Whether the first row of each file names the columns.
   * @default true
   */
  readonly header?: boolean | undefined;
  /**
   * One ASCII character between fields.
   * @default ","
   */
  readonly delimiter?: string | undefined;
  /**
   * Makes a record of a row; all fields are strings. When it throws, the row becomes a dead letter with the reason.
   * @default the row itself
   */
  readonly parse?: ((row: CsvRow<Column>, file: SourceFile) => T) | undefined;
}

/**
 * Rows of CSV files (RFC 4180, UTF-8): one split per file, read side by side, each from its beginning to the end that it has when the job starts.
 *
 * Lines may end in LF or CR LF and the last one in neither; a byte order mark and empty lines are passed over. A row that is not one (a field too few,
 * broken quotes, more than 256 KiB, or `parse` throws) becomes a dead letter, and the next one is read. The position of a row is the offset behind it.
 *
 * @example
 * const readings = plant.source(
 *   "readings",
 *   csv(["a.csv", "b.csv"], {
 *     columns: ["timestamp", "value"],
 *     parse: (row, file) => ({ key: file.name, at: Date.parse(row.timestamp), value: Number(row.value) }),
 *   }),
 * );
 * @throws OPTION_INVALID for no path, the same one twice, a delimiter that is not one, or no columns where no header names them
 */
export function csv<const Column extends string = string, T = CsvRow<Column>>(
  paths: string | readonly string[],
  options: CsvOptions<Column, T> = {},
): SourceSpec<T> {
  return fileSource("csv", paths, csvFormat(options), options);
}

function csvFormat<Column extends string, T>(options: CsvOptions<Column, T>): FileFormat<T> {
  const { delimiter = ",", header = true, columns } = options;
  const parse = options.parse ?? ((row) => row as T);
  if (!/^[^"\r\n\u0080-\uffff]$/.test(delimiter)) {
    throw new StreamError("OPTION_INVALID", `delimiter is ${JSON.stringify(delimiter)}; it takes one ASCII character`);
  }
  if (!header && columns === undefined) {
    throw new StreamError("OPTION_INVALID", "header is false: name the columns with `columns`, from left to right");
  }
  const byte = delimiter.charCodeAt(0);
  return {
    begin(file, head, isWhole) {
      const start = contentStart(head);
      const end = header ? csvRowEnd(head, start, head.length, isWhole, byte) : start;
      if (end < 0)
        throw new StreamError("PATH_UNUSABLE", `${file.path}: its first row, which names the columns, has no end`);
      const named = header ? headerOf(file, head.toString("utf8", start, contentEnd(head, start, end)), delimiter) : [];
      const isEmpty = head.length === start;
      const layout = isEmpty ? () => ({}) : layoutOf(file, header ? named : (columns ?? []), columns ?? named);
      return {
        startsAt: end,
        endOf: (bytes, from, to, isLast) => csvRowEnd(bytes, from, to, isLast, byte),
        parse: (row) => parse(layout(csvFields(row, delimiter)) as CsvRow<Column>, file),
      };
    },
  };
}

function headerOf(file: SourceFile, row: string, delimiter: string): readonly string[] {
  try {
    return csvFields(row, delimiter);
  } catch (error) {
    throw StreamError.from(error, "PATH_UNUSABLE", `${file.path}: its first row, which names the columns`);
  }
}

/** How fields become a row: `names` says what each field is called, `columns` which ones are wanted. */
function layoutOf(
  file: SourceFile,
  names: readonly string[],
  columns: readonly string[],
): (fields: readonly string[]) => CsvRow {
  const places = columns.map((column) => [column, names.indexOf(column)] as const);
  for (const [column, place] of places) {
    const found = names.map((name) => JSON.stringify(name)).join(", ");
    if (place < 0)
      throw new StreamError("PATH_UNUSABLE", `${file.path}: no column ${JSON.stringify(column)} among ${found}`);
    if (names.lastIndexOf(column) === place) continue;
    throw new StreamError("PATH_UNUSABLE", `${file.path}: two columns ${JSON.stringify(column)} among ${found}`);
  }
  return (fields) => {
    if (fields.length !== names.length)
      throw new SyntaxError(`number of fields is ${fields.length}, not ${names.length}`);
    const row: Record<string, string> = {};
    for (const [column, place] of places) row[column] = fields[place] ?? "";
    return row;
  };
}
