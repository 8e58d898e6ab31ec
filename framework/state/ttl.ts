/**
 * How long state is kept after it was last used: what a program says of it, resolved.
 *
 * Owns the options; `aging.ts` is what they mean while records come.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import { parseDuration, type Duration } from "../time/duration.ts";

/** How long state lives: a duration of event time since it was last written, or all of it said. */
export type Ttl = Duration | TtlOptions;

/** How long state lives, and by which clock. */
export interface TtlOptions {
  /** Time after the last use; more than 0. May be another one in the next run: what is kept is when state was used. */
  readonly after: Duration;
  /**
   * Which time counts. `event`: a use has the time of its record or timer, or that of the watermark if it is later, and the watermark ends the life of
   * state; the program needs timestamps. `processing`: as the clock of the inbox says (`ctx.now()`).
   * @default "event"
   */
  readonly time?: "event" | "processing" | undefined;
  /**
   * What counts as use. `onWrite`: setting, appending, changing in place. `onReadAndWrite`: getting, asking and iterating, too.
   * @default "onWrite"
   */
  readonly refresh?: "onWrite" | "onReadAndWrite" | undefined;
  /**
   * What has expired and is not cleaned up yet. `hidden`: it is not there. `visible`: it is, until the clean-up takes it away, after a sixteenth of `after` at most
   * and with the next step of time.
   * @default "hidden"
   */
  readonly expired?: "hidden" | "visible" | undefined;
}

/** A {@link Ttl} with nothing left open. */
export interface ResolvedTtl {
  readonly afterMs: number;
  readonly time: "event" | "processing";
  readonly refresh: "onWrite" | "onReadAndWrite";
  readonly expired: "hidden" | "visible";
}

/** What the program says, with defaults; `place` begins the error's message. @throws OPTION_INVALID */
export function resolveTtl(ttl: Ttl, place: string): ResolvedTtl {
  const options: TtlOptions = typeof ttl === "object" && ttl !== null ? ttl : { after: ttl };
  checkKnownOptions(options, ["after", "time", "refresh", "expired"], `${place}: ttl`);
  const { after, time = "event", refresh = "onWrite", expired = "hidden" } = options;
  return {
    afterMs: parseDuration(after, `${place}: ttl`, { minMs: 1 }),
    time: oneOf(time, ["event", "processing"], `${place}: ttl: time`),
    refresh: oneOf(refresh, ["onWrite", "onReadAndWrite"], `${place}: ttl: refresh`),
    expired: oneOf(expired, ["hidden", "visible"], `${place}: ttl: expired`),
  };
}

/** The form of cells that have an age in that time; how long it is may change between runs. */
export function agedForm(form: string, time: ResolvedTtl["time"]): string {
  return `${form} (ttl in ${time} time)`;
}

function oneOf<C extends string>(value: C, choices: readonly C[], what: string): C {
  if (choices.includes(value)) return value;
  throw new StreamError(
    "OPTION_INVALID",
    `${what} is ${JSON.stringify(value)}; it is ${choices.map((choice) => JSON.stringify(choice)).join(" or ")}`,
  );
}
