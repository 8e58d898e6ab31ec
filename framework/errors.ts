/**
 * Every error Tidemark raises: one class, a closed set of codes, a policy per code.
 *
 * Owns the table; knows nothing of who throws. Messages carry the values and what to do next.
 */

/**
 * What the runtime does with an error of each code.
 *
 * `retry`: the caller tries again with back-off, for ever. `instance`: the instance fails and its supervisor decides.
 * `fatal`: the job or the process stops and says so. `user`: the program, an option or an argument is wrong; nothing has started.
 * `record`: the record goes to the dead-letter output and the job goes on.
 */
export const errorPolicy = {
  /** The program does not describe a runnable job. */
  PLAN_INVALID: "user",
  /** An option, argument or environment variable has a value that makes no sense. */
  OPTION_INVALID: "user",
  /** A path cannot be read or written. */
  PATH_UNUSABLE: "user",
  /** The job exists with another plan or version. */
  JOB_MISMATCH: "user",
  /** The job has failed or was stopped and waits for a command. */
  JOB_NOT_RUNNABLE: "user",
  /** A savepoint has not come about; the job goes on without it. */
  SAVEPOINT_CANCELLED: "user",
  /** No server answers at the address. */
  SERVER_UNREACHABLE: "user",
  /** The server lacks something the job needs: version, JetStream, an option read back differently. */
  SERVER_UNSUITABLE: "user",
  /** The server refuses the credentials or a permission. */
  SERVER_REFUSED: "user",
  /** The server has no room for what the job reserves. */
  SERVER_FULL: "user",
  /** A call got no answer in time; what it did is unknown. */
  TIMEOUT: "retry",
  /** A log or store cannot be reached at the moment. */
  UNAVAILABLE: "retry",
  /** Nobody listens on the subject of a request. */
  NO_RESPONDERS: "retry",
  /** The log has no room for a message of this class (back-pressure, never a reason to drop). */
  LOG_FULL: "retry",
  /** A log, register or blob that must exist does not. */
  NOT_FOUND: "instance",
  /** Messages that the owner of the pointer still needs are gone, or others stand in their place. */
  DATA_LOST: "fatal",
  /** A frame, control or snapshot does not have the bytes it was written with. */
  CORRUPT: "fatal",
  /** A replay did not repeat itself (R11). */
  DIVERGED: "fatal",
  /** A newer incarnation owns the instance (R4): stop quietly. */
  FENCED: "instance",
  /** A snapshot was written by a version this one does not read. */
  SNAPSHOT_UNSUITABLE: "fatal",
  /** A source's split is not the one the job has been reading. */
  SOURCE_CHANGED: "fatal",
  /** An instance crashed more often than its restart budget allows. */
  RESTARTS_EXHAUSTED: "fatal",
  /** More records became dead letters than the job allows, or `onError` is `fail`. */
  DEAD_LETTERS_EXCEEDED: "fatal",
  /** More goes round in a loop than its inboxes hold, and it does not become less. */
  LOOP_FULL: "fatal",
  /** A value no codec takes. */
  VALUE_NOT_ENCODABLE: "record",
  /** A key that is no key: NaN, an object, undefined, a nested tuple, or one that is too long. */
  KEY_INVALID: "record",
  /** A record would take its key beyond a limit of the job: entries of its state, timers. */
  LIMIT_EXCEEDED: "record",
  /** A timestamp that is no safe integer, is absent where event time needs it, or lies too far in the future. */
  TIMESTAMP_INVALID: "record",
  /** A row of an input that does not parse. */
  ROW_INVALID: "record",
  /** A function of the user's program threw. */
  USER_FUNCTION: "record",
  /** A call that the program makes got no answer in time, in any of its tries. */
  CALL_TIMED_OUT: "record",
  /** A sink refuses this row for good. */
  ROW_REFUSED: "record",
  /** A step that ends its process, or never ends, and is not taken any more. */
  POISON: "record",
  /** A sink's target cannot be reached or written at the moment. */
  SINK_UNAVAILABLE: "retry",
} as const;

/** The closed set of codes of {@link StreamError}; each has a policy in {@link errorPolicy}. */
export type ErrorCode = keyof typeof errorPolicy;

/** What is done with an error: see {@link errorPolicy}. */
export type ErrorPolicy = (typeof errorPolicy)[ErrorCode];

/**
 * The one error class of the framework.
 *
 * Thrown with a code of {@link errorPolicy}, a message that carries the values and the next step, and the cause where there is one.
 */
export class StreamError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "StreamError";
    this.code = code;
  }

  /** What the runtime does with this error. */
  get policy(): ErrorPolicy {
    return errorPolicy[this.code];
  }

  /** Whether doing the same again may succeed. */
  get isRetryable(): boolean {
    return this.policy === "retry";
  }

  /** Whether `error` is a StreamError (of `code`, if given); decided by its fields, so that a second copy of the package agrees. */
  static is(error: unknown, code?: ErrorCode): error is StreamError {
    if (!(error instanceof Error) || error.name !== "StreamError" || !("code" in error)) return false;
    return code === undefined ? Object.hasOwn(errorPolicy, String(error.code)) : error.code === code;
  }

  /** The same error if it is a StreamError already, else one of `code` with `message` and the original as its cause. */
  static from(error: unknown, code: ErrorCode, message: string): StreamError {
    return StreamError.is(error) ? error : new StreamError(code, `${message}: ${messageOf(error)}`, { cause: error });
  }
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws unless `condition`: for mistakes of the framework's own programmers; never caught by a retry. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}

/** A broken promise inside the framework: always a defect, never retried. */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
}
