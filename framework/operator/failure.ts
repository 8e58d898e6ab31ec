/**
 * What becomes of a throw: whose fault it is, and what the dead letter says.
 *
 * Owns the line between a record's failure and the instance's. Knows nothing of undoing and of counts.
 *
 * X1. A throw is the failure of the record, unless it is a broken invariant or a StreamError that no record can be blamed for (policy `fatal`,
 *     `instance`, `retry`): those are the instance's and pass through unswallowed.
 * X2. The operator named is the innermost one that the throw came through.
 * X3. A dead letter says the same on every machine and in every replay: no directories, no frames of the framework.
 */
import { InvariantViolation, messageOf, StreamError, type ErrorCode, type ErrorPolicy } from "../errors.ts";
import { cloneValue } from "../record/default-codec.ts";
import type { DeadLetter, LetterOrigin } from "./outlet.ts";

/** A throw, and the operator that it came out of. Never leaves the program. */
export class OperatorFailure extends Error {
  override readonly name = "OperatorFailure";
  readonly operator: string;

  constructor(operator: string, cause: unknown) {
    super(messageOf(cause), { cause });
    this.operator = operator;
  }
}

/** The error to throw on when `error` came out of `operator` (X1, X2). */
export function blame(operator: string, error: unknown): Error {
  if (error instanceof OperatorFailure || isInstanceFailure(error)) return error;
  return new OperatorFailure(operator, error);
}

const policiesOfRecords: Partial<Record<ErrorPolicy, true>> = { record: true, user: true };

/** Whether the instance cannot go on after `error` (X1). */
function isInstanceFailure(error: unknown): error is Error {
  if (error instanceof InvariantViolation) return true;
  return StreamError.is(error) && policiesOfRecords[error.policy] === undefined;
}

/** The record (or firing) that failed, as the dead letter tells it. */
export interface FailedRecord {
  readonly key: string | undefined;
  readonly timestamp: number | undefined;
  readonly value: unknown;
  readonly origin: LetterOrigin;
  /** Of a record that came over an edge. */
  readonly edge?: number | undefined;
}

/** The dead letter of a failure. */
export function deadLetterOf({ operator, cause }: OperatorFailure, record: FailedRecord): DeadLetter {
  const isOurs = StreamError.is(cause) && cause.policy === "record";
  const code: ErrorCode = isOurs ? cause.code : "USER_FUNCTION";
  const { key, timestamp, edge } = record;
  return {
    ...encodable(record),
    edge,
    operator,
    code,
    message: messageOf(cause),
    stack: isOurs ? "" : userFrames(cause),
    key,
    timestamp,
  };
}

const frame = /^\s+at /;
const ownFolder = decodeURIComponent(new URL("..", import.meta.url).pathname);

/** The frames above the framework's first one, without directories (X3); empty when it has none. */
export function userFrames(cause: unknown): string {
  if (!(cause instanceof Error) || cause.stack === undefined) return "";
  const frames = cause.stack.split("\n").filter((line) => frame.test(line));
  const end = frames.findIndex((line) => line.includes(ownFolder) || line.includes("(node:"));
  const own = end < 0 ? frames : frames.slice(0, end);
  return own.map((line) => line.trim().replace(/(\(|at )(?:file:\/\/)?[^()\s]*[\\/]/, "$1")).join("\n");
}

/** The value itself if the default codec takes it, else a rendering. */
function encodable({ value, origin }: FailedRecord): Pick<DeadLetter, "value" | "origin"> {
  try {
    return { value: cloneValue(value), origin };
  } catch {
    return { value: rendering(value), origin: "rendering" };
  }
}

const renderingMax = 1000;

function rendering(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_key, part: unknown) => (isUnwritable(part) ? `(${typeof part})` : part));
  } catch {
    text = undefined;
  }
  return (text ?? `(${typeof value})`).slice(0, renderingMax);
}

function isUnwritable(part: unknown): boolean {
  return typeof part === "function" || typeof part === "symbol" || typeof part === "bigint";
}
