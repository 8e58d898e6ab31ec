/**
 * Comparing what came out with what should have: as multisets of texts.
 */
import type { SideRecord } from "../../../actor/side-stream.ts";
import type { Oracle, SimulatedRecord, Violation } from "../contract.ts";

/** What is missing and what is too much, at most three of each. */
export function differences(
  oracle: Oracle,
  what: string,
  found: readonly unknown[],
  expected: readonly unknown[],
): readonly Violation[] {
  const counts = new Map<string, number>();
  for (const each of expected) add(counts, textOf(each), 1);
  for (const each of found) add(counts, textOf(each), -1);
  const missing = [...counts].filter(([, count]) => count > 0);
  const extra = [...counts].filter(([, count]) => count < 0);
  const violations: Violation[] = [];
  if (missing.length > 0) violations.push({ oracle, what: `${what}: ${shown(missing)} missing` });
  if (extra.length > 0) violations.push({ oracle, what: `${what}: ${shown(extra)} too many` });
  return violations;
}

/** Ids of the records that dead letters hold. */
export function deadIds(deadLetters: readonly SideRecord[]): readonly number[] {
  return deadLetters.map((letter) => (letter.value as { readonly value: SimulatedRecord }).value.id);
}

function add(counts: Map<string, number>, text: string, by: number): void {
  counts.set(text, (counts.get(text) ?? 0) + by);
}

function shown(texts: readonly (readonly [string, number])[]): string {
  const some = texts.slice(0, 3).map(([text, count]) => (Math.abs(count) === 1 ? text : `${text} ×${Math.abs(count)}`));
  return texts.length > 3 ? `${some.join(", ")} and ${texts.length - 3} more` : some.join(", ");
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (Object.is(part, -0) ? 0 : part));
}
