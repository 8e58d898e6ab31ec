/**
 * An inbox as a replay reads it: up to a given message, and with somebody told of each one that is taken.
 *
 * Owns the bound; everything else is the log's own.
 */
import type { Entry, Log, LogReader, ReadOptions } from "../log/contracts.ts";

/** `log`, which ends with message `last` for whoever reads it; `onTaken` sees each message before it is processed. */
export function boundedLog(log: Log, last: number, onTaken: (entry: Entry) => void): Log {
  return {
    name: log.name,
    createdMs: log.createdMs,
    appender: (onAppended, onLink) => log.appender(onAppended, onLink),
    append: (payload) => log.append(payload),
    read: (options) => boundedReader(log, last, options, onTaken),
    get: (sequence) => log.get(sequence),
    trim: (sequence) => log.trim(sequence),
    resize: (maxBytes) => log.resize(maxBytes),
    info: () => log.info(),
  };
}

function boundedReader(log: Log, last: number, options: ReadOptions, onTaken: (entry: Entry) => void): LogReader {
  const reader = log.read(options);
  let taken = options.from - 1;
  return {
    take: () => {
      const entry = taken < last ? reader.take() : undefined;
      if (entry === undefined) return undefined;
      taken = entry.sequence;
      onTaken(entry);
      return entry;
    },
    get buffered() {
      return reader.buffered;
    },
    close: () => reader.close(),
  };
}
