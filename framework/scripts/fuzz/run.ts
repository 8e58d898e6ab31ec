/**
 * Feeds one target with mutated inputs and looks at what it does.
 */
import { StreamError } from "../../errors.ts";
import type { Random } from "../../platform/platform.ts";
import { mutate } from "./mutate.ts";
import type { FuzzFinding, FuzzTarget } from "./target.ts";

/** Longer than this for one input of at most 64 KiB is a hang, ms; the best of several tries counts, for the machine may be busy. */
const inputMsMax = 100;
const triesMax = 5;

/** One input; answers what is wrong with what the target made of it. */
export function tryInput(target: FuzzTarget, input: Uint8Array): FuzzFinding | undefined {
  const finding = (what: string): FuzzFinding => ({ target: target.name, input, what });
  let leastMs = Infinity;
  for (let tries = 0; tries < triesMax && leastMs > inputMsMax; tries += 1) {
    const sinceMs = performance.now();
    const thrown = feed(target, input);
    leastMs = Math.min(leastMs, performance.now() - sinceMs);
    if (thrown !== undefined) return finding(thrown);
  }
  if (leastMs > inputMsMax) return finding(`takes ${leastMs.toFixed(0)} ms`);
  const strange = pollution();
  return strange === undefined ? undefined : finding(strange);
}

/** `count` mutated inputs of `corpus`. `onInput` is told of each. Stops at the first finding. */
export function fuzz(
  target: FuzzTarget,
  corpus: readonly Uint8Array[],
  random: Random,
  count: number,
  onInput: (input: Uint8Array) => void = () => undefined,
): FuzzFinding | undefined {
  for (let done = 0; done < count; done += 1) {
    const mutated = mutate(corpus, random);
    const input = random.below(4) > 0 ? (target.repair?.(mutated) ?? mutated) : mutated;
    onInput(input);
    const finding = tryInput(target, input);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

function feed(target: FuzzTarget, input: Uint8Array): string | undefined {
  try {
    target.feed(Uint8Array.from(input));
    return undefined;
  } catch (error) {
    if (StreamError.is(error)) return undefined;
    return `throws ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, Uint8Array.prototype];
const known = prototypes.map((prototype) => Reflect.ownKeys(prototype).length);

/** Z2: what has been added to the prototypes that every object has. */
function pollution(): string | undefined {
  const changed = prototypes.findIndex((prototype, at) => Reflect.ownKeys(prototype).length !== known[at]);
  if (changed < 0) return undefined;
  return `has changed a prototype: ${Reflect.ownKeys(prototypes[changed] ?? {}).join(", ")}`;
}
