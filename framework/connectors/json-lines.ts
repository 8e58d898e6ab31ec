/**
 * Files of JSON lines as a source; reading is `file-source.ts`.
 */
import type { SourceSpec } from "../log/source.ts";
import { contentStart, lineEnd, type SourceFile } from "./file-format.ts";
import { fileSource, type FileSourceOptions } from "./file-source.ts";

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions<T> extends FileSourceOptions<T> {
  /**
   * Makes a record of a line's value. When it throws, the line becomes a dead letter with the reason.
   * @default the value itself
   */
  readonly parse?: ((value: unknown, file: SourceFile) => T) | undefined;
}

/**
 * Lines of JSON files (one document per line, UTF-8): one split per file, read side by side, each from its beginning to the end that it has when the
 * job starts.
 *
 * Lines may end in LF or CR LF and the last one in neither; a byte order mark and empty lines are passed over. A line that is no JSON (or longer than
 * 256 KiB, or `parse` throws) becomes a dead letter, and the next one is read. The position of a line is the offset behind it.
 *
 * @example
 * const orders = shop.source("orders", jsonLines<Order>("orders.jsonl", { timestamps: (order) => order.at }));
 * @throws OPTION_INVALID for no path or the same one twice
 */
export function jsonLines<T = unknown>(
  paths: string | readonly string[],
  options: JsonLinesOptions<T> = {},
): SourceSpec<T> {
  const parse = options.parse ?? ((value) => value as T);
  return fileSource(
    "jsonLines",
    paths,
    {
      begin: (file, head) => ({
        startsAt: contentStart(head),
        endOf: lineEnd,
        parse: (row) => parse(JSON.parse(row), file),
      }),
    },
    options,
  );
}
