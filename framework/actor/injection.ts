/**
 * The notation of injected faults: `crash:average/1@500`.
 *
 * Owns the grammar and what is refused; what a fault does is in `fault-injector.ts`.
 *
 * G1. KIND:STAGE/PARTITION@SEQ, and for a pause :DURATION behind it. What does not read so is refused with the grammar.
 * G2. Two faults with the same text are one.
 */
import { StreamError } from "../errors.ts";
import { parseDuration, type Duration } from "../time/duration.ts";

/** What is done to the instance: it throws, its process is killed, or it takes no turns for a while. */
export type InjectionKind = "crash" | "crash-process" | "pause";

/** One fault to inject. */
export interface Injection {
  /** As it was written. */
  readonly text: string;
  readonly kind: InjectionKind;
  readonly stage: string;
  readonly partition: number;
  /** Fires at the first border of turns at which this position has been read. */
  readonly sequence: number;
  /** Length of a pause; 0 for the other kinds. */
  readonly pauseMs: number;
}

/** The grammar, for messages and `--help`. */
export const injectionGrammar =
  "crash:STAGE/PARTITION@SEQ, crash-process:STAGE/PARTITION@SEQ or pause:STAGE/PARTITION@SEQ:DURATION (pause:average/1@500:2s)";

const notation = /^(crash|crash-process|pause):([a-z0-9.-]+)\/(\d{1,9})@(\d{1,15})(?::(.+))?$/;

/** Reads faults; equal ones count once (G2). @throws OPTION_INVALID with the text and the grammar (G1) */
export function parseInjections(texts: readonly string[]): readonly Injection[] {
  return [...new Set(texts)].map(parseInjection);
}

function parseInjection(text: string): Injection {
  const [, kind, stage = "", partition, sequence, duration] = notation.exec(text) ?? [];
  const isPause = kind === "pause";
  if (kind === undefined || Number(sequence) < 1 || isPause !== (duration !== undefined))
    throw new StreamError("OPTION_INVALID", `inject is "${text}", which is no fault: write ${injectionGrammar}`);
  return {
    text,
    kind: kind as InjectionKind,
    stage,
    partition: Number(partition),
    sequence: Number(sequence),
    pauseMs: isPause ? parseDuration(duration as Duration, `the duration of inject "${text}"`, { minMs: 1 }) : 0,
  };
}

/** Faults are for tests and demonstrations. @throws OPTION_INVALID where `environment` (NODE_ENV) is production and nothing forces it */
export function checkMayInject(
  injections: readonly Injection[],
  environment: string | undefined,
  isForced: boolean,
): void {
  if (injections.length === 0 || isForced || environment !== "production") return;
  const what = `inject is "${injections[0]?.text}", and NODE_ENV is production: faults are for tests and demonstrations`;
  throw new StreamError(
    "OPTION_INVALID",
    `${what}; --inject-in-production (injectInProduction: true) does it all the same`,
  );
}

/** Refuses what names no instance. `instances`: how many each stage has. @throws OPTION_INVALID with what there is */
export function checkPlaces(injections: readonly Injection[], instances: ReadonlyMap<string, number>): void {
  for (const { text, stage, partition } of injections) {
    const count = instances.get(stage);
    if (count !== undefined && partition < count) continue;
    const there =
      count === undefined
        ? `there is no stage "${stage}"; the stages are ${[...instances.keys()].join(", ")}`
        : `stage ${stage} has the partitions 0 to ${count - 1}`;
    throw new StreamError("OPTION_INVALID", `inject is "${text}": ${there}`);
  }
}
