/**
 * What has become of an update of the pointer.
 *
 * Owns the reading of replies and registers; writing, reading and waiting is the pointer register's business. Until the answer is `done` its owner
 * neither trims, commits, aborts nor collects.
 *
 * R6. The reply to an update is a hint. A value carries a token, so an update is recognised whoever asks; without a clear reply one reads until one
 *     sees the own token (done), a higher epoch (fenced) or the old revision (repeat the same update).
 */
import type { Pointer } from "../record/snapshot-record.ts";

/** `unknown`: no reply, or one that does not say whether the value was written. */
export type UpdateReply = "written" | "conflict" | "unknown";

/** What is known after an update was sent. */
export interface UpdateFacts {
  /** To the update as sent last. */
  readonly reply: UpdateReply;
  /** Read after the reply; undefined when nothing is there or the register cannot be read. */
  readonly read: { readonly value: Pointer; readonly revision: number } | undefined;
  /** The value one tries to write. */
  readonly wanted: Pointer;
  /** Revision it replaces; 0: it is the first. */
  readonly baseRevision: number;
  /** Epoch of the writer. */
  readonly epoch: number;
}

/**
 * `done`: written, and the pointer is one's own. `fenced`: a newer incarnation owns it; whether one's own update came before that does not matter
 * any more. `lost`: somebody of the same or a lower epoch was faster, and the update can never happen; read and decide anew. `repeat`: send the
 * same value with the same base again. `read`: nothing can be said; read again in a while.
 */
export type UpdateDecision = "done" | "fenced" | "lost" | "repeat" | "read";

/**
 * Decides what an update has come to, from the last reply and what is in the register.
 *
 * A repetition may meet the original, still on its way: both name the same base revision, so only one of them is written, and both carry the same
 * token, so it does not matter which. Another revision than the base rules the original out for good.
 */
export function decideAfterUpdate({ reply, read, wanted, baseRevision, epoch }: UpdateFacts): UpdateDecision {
  if (reply === "written") return "done";
  if (read === undefined) return reply === "unknown" && baseRevision === 0 ? "repeat" : "read";
  if (read.value.token === wanted.token) return "done";
  if (read.value.epoch > epoch) return "fenced";
  if (read.revision === baseRevision) return "repeat";
  return read.revision > baseRevision ? "lost" : "read";
}
