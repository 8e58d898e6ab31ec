/**
 * Emits what a user's function answers: nothing, or the elements of an iterable.
 *
 * E1. Outputs are emitted in their order, while the iterable is being read.
 * E2. A string is refused although it is iterable: its characters are never what was meant. So is a promise: nothing waits for it.
 */
import type { OperatorContext } from "./contract.ts";

/** What a function that makes several outputs may answer: nothing, or an iterable that is an object (E2). */
export type Outputs<O> = (Iterable<O> & object) | void;

/**
 * Emits every element of `outputs` with `timestamp`. `what` names the function in the error.
 *
 * @throws TypeError when `outputs` is something else (E2), and whatever the iterable throws: the step is undone
 */
export function emitAll(context: OperatorContext, outputs: unknown, timestamp: number | undefined, what: string): void {
  if (outputs === undefined) return;
  if (Array.isArray(outputs)) {
    for (let at = 0; at < outputs.length; at++) context.emit(outputs[at], timestamp);
    return;
  }
  if (!isIterableObject(outputs))
    throw new TypeError(
      `${what} answered ${describe(outputs)}; it may answer nothing, or an iterable object such as an array`,
    );
  for (const output of outputs) context.emit(output, timestamp);
}

function isIterableObject(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, Symbol.iterator) === "function";
}

function describe(value: unknown): string {
  if (value instanceof Promise) return "a promise, which nothing waits for";
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 80))}`;
  return typeof value === "object" && value !== null ? "an object that is not iterable" : String(value);
}
