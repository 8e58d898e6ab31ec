/**
 * What the runtime takes from its surroundings besides the seams of `log/`: time, chance and a place to say things.
 *
 * Made once at the entrance and passed down. Production code never reads `Date`, `setTimeout` or `Math.random` itself, so that a
 * virtual clock and a seed drive the very same code.
 */

/** Calls off a scheduled wake-up; harmless after it has happened. */
export type Cancel = () => void;

/** How a wake-up counts for a virtual clock. */
export interface ScheduleOptions {
  /**
   * A background wake-up (heartbeat, re-report, snapshot interval, watch-dog) does not keep a virtual clock running: a test waits
   * until only background wake-ups are left. A real clock treats it like `unref`.
   * @default false
   */
  readonly background?: boolean | undefined;
}

/** Time as the runtime sees it. */
export interface Clock {
  /** Wall-clock time in ms since the epoch; may jump in both directions, so nothing correct depends on it. */
  now(): number;
  /** Time in ms from an arbitrary start that never goes back: for intervals and timeouts. */
  monotonicMs(): number;
  /**
   * Runs `wake` once, `delayMs` of monotonic time from now; 0 means as soon as the current task is over. Wake-ups due at the same
   * time run in the order in which they were scheduled. `wake` must not throw.
   */
  schedule(delayMs: number, wake: () => void, options?: ScheduleOptions): Cancel;
}

/** Reproducible chance. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  below(bound: number): number;
  /** A generator of its own for `name`: draws here do not move draws there. */
  fork(name: string): Random;
  /** A string of `length` characters of [a-z0-9], for ids. */
  id(length: number): string;
}

/** How urgent a log line is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured logging: a message and its fields; never a secret, never a record's content above `debug`. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A logger that adds `fields` to every line. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** Everything the runtime takes from its surroundings besides the seams. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
