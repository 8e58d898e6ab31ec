/**
 * What happens in a replay, told message by message.
 *
 * Owns the words for messages; who listens decides what is shown.
 */
import type { Entry } from "../log/contracts.ts";
import type { Plan } from "../plan/plan.ts";
import { decodeMessage, type InboxMessage } from "../record/frame.ts";

/** Who is told, at the borders of turns. */
export interface ReplayTrace {
  /** The turn of the message behind `position` is about to begin: the place for a debugger to stop. */
  beforeTurn(position: number): void;
  /** A message of the inbox is about to be processed; valid during the call. Not called for splits. */
  taken(entry: Entry): void;
  /** A turn (or a slice of one) has ended at `position`, and has said `records` records. */
  afterTurn(position: number, records: number, isUnfinished: boolean): void;
}

/** Nobody listens. */
export const noTrace: ReplayTrace = {
  beforeTurn: () => undefined,
  taken: () => undefined,
  afterTurn: () => undefined,
};

/** A message of an inbox in words: `frame, 2 sections: readings.sums from 0: 17 to 56 (epoch 4)`. */
export function messageText(plan: Plan, { payload }: Entry): string {
  const message = decodeMessage(payload);
  if (message.kind !== "frame") return controlText(plan, message);
  const sections = message.sections.map(
    ({ edge, from, first, count, epoch }) =>
      `${edgeName(plan, edge)} from ${from}: ${first} to ${first + count - 1} (epoch ${epoch})`,
  );
  return `frame: ${sections.join(", ")}`;
}

function controlText(plan: Plan, message: Exclude<InboxMessage, { readonly kind: "frame" }>): string {
  switch (message.kind) {
    case "epochStart": {
      const { stage, partition } = message.instance;
      return `epoch-start: ${plan.stages[stage]?.name ?? stage}/${partition}, epoch ${message.epoch}`;
    }
    case "watermark": {
      const { edge, watermark, isIdle, leader, n } = message;
      return `watermark: ${edgeName(plan, edge)} at ${timeOf(watermark)}${isIdle ? ", idle" : ""} (leader ${leader}, ${n})`;
    }
    default:
      return message.kind;
  }
}

function edgeName(plan: Plan, index: number): string {
  return plan.edges[index]?.name ?? `edge ${index}`;
}

function timeOf(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
