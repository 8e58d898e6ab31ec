/**
 * Files: sources that read them, and the sink that writes one.
 */
export { csv, type CsvOptions, type CsvRow } from "./csv.ts";
export type { SourceFile } from "./file-format.ts";
export { file, type FileOptions } from "./file-sink.ts";
export type { FileSourceOptions } from "./file-source.ts";
export { jsonLines, type JsonLinesOptions } from "./json-lines.ts";
