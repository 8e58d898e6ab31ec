/**
 * Bytes of reports and of the leader's answer to them (`protos/tidemark/report.proto`).
 */
import type { Freeze, Load, LoopCount, ReadLimits, ReadPause, Report, ReportAnswer, ReportBatch } from "../messages.ts";
import { counts } from "./counts.ts";
import { instanceId } from "./instance-id.ts";
import { choice, double, flag, integer, message, nested, optional, repeated, text } from "./message.ts";
import { crashSite } from "./poison.ts";
import { chunkRef } from "./snapshot.ts";

const load = message<Load>("Load", {
  lag: integer(1),
  inboxBytes: integer(2),
  snapshotAt: integer(3),
  snapshotDurationMs: integer(4),
  snapshotBytes: integer(5),
  turnP99Ms: double(6),
  busy: optional(double(7)),
});

const freeze = message<Freeze>("Freeze", {
  savepoint: integer(1),
  manifest: repeated(nested(2, chunkRef)),
  failure: text(3),
});

const loopCount = message<LoopCount>("LoopCount", {
  leader: integer(1),
  round: integer(2),
  sent: integer(3),
  taken: integer(4),
  isQuiet: flag(5),
  isFull: flag(6),
  hasTimers: flag(7),
  outside: double(8),
});

const report = message<Report>("Report", {
  instance: nested(1, instanceId),
  epoch: integer(2),
  n: integer(3),
  position: integer(4),
  watermark: double(5),
  activity: choice(6, ["active", "idle", "ended", "finished"]),
  state: text(7),
  snapshot: integer(8),
  failure: text(9),
  counts: optional(nested(10, counts)),
  load: nested(11, load),
  due: double(12),
  site: optional(nested(13, crashSite)),
  freeze: optional(nested(14, freeze)),
  loop: optional(nested(15, loopCount)),
});

const reportBatch = message<ReportBatch>("ReportBatch", { worker: text(1), reports: repeated(nested(2, report)) });

const answered = message<ReportAnswer["answers"][number]>("Answered", {
  instance: nested(1, instanceId),
  epoch: integer(2),
  n: integer(3),
});

const reportAnswer = message<ReportAnswer>("ReportAnswer", {
  leader: integer(1),
  answers: repeated(nested(2, answered)),
});

const readLimit = message<ReadLimits["limits"][number]>("ReadLimit", {
  instance: nested(1, instanceId),
  epoch: integer(2),
  watermark: double(3),
});

const readLimits = message<ReadLimits>("ReadLimits", { leader: integer(1), limits: repeated(nested(2, readLimit)) });

const pausedSplit = message<ReadPause["splits"][number]>("PausedSplit", {
  instance: nested(1, instanceId),
  epoch: integer(2),
});

const readPause = message<ReadPause>("ReadPause", {
  leader: integer(1),
  forMs: integer(2),
  splits: repeated(nested(3, pausedSplit)),
});

/** The bytes of a worker's reports. */
export function encodeReportBatch(batch: ReportBatch): Uint8Array {
  return reportBatch.encode(batch);
}

/** The reports in `bytes`. @throws CORRUPT */
export function decodeReportBatch(bytes: Uint8Array): ReportBatch {
  return reportBatch.decode(bytes);
}

/** The bytes of the leader's answer to reports. */
export function encodeReportAnswer(answer: ReportAnswer): Uint8Array {
  return reportAnswer.encode(answer);
}

/** The answer in `bytes`. @throws CORRUPT */
export function decodeReportAnswer(bytes: Uint8Array): ReportAnswer {
  return reportAnswer.decode(bytes);
}

/** The bytes of limits. */
export function encodeReadLimits(limits: ReadLimits): Uint8Array {
  return readLimits.encode(limits);
}

/** The limits in `bytes`. @throws CORRUPT */
export function decodeReadLimits(bytes: Uint8Array): ReadLimits {
  return readLimits.decode(bytes);
}

/** The bytes of a pause. */
export function encodeReadPause(pause: ReadPause): Uint8Array {
  return readPause.encode(pause);
}

/** The pause in `bytes`. @throws CORRUPT */
export function decodeReadPause(bytes: Uint8Array): ReadPause {
  return readPause.decode(bytes);
}
