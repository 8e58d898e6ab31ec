/**
 * What time it is in a step, as state with a ttl asks for it.
 *
 * Owns the contract; the stage's clock answers. A function of the messages read: never a clock's own.
 */

/** The times of the step under way. */
export interface StepTime {
  /** Event time: the watermark that has been applied; while timers fire, the time of the one that does. */
  readonly eventMs: number;
  /** The event time at which the step uses state: its record's or timer's, or the watermark if that is later; -Infinity when there is neither. */
  readonly eventUseMs: number;
  /** Processing time. */
  readonly processingMs: number;
}

/** No time has come yet; for stores without a program. */
export const noTime: StepTime = { eventMs: -Infinity, eventUseMs: -Infinity, processingMs: 0 };
