/**
 * Refuses options that do not exist: a misspelt one would otherwise be ignored in silence.
 */
import { StreamError } from "./errors.ts";

/**
 * Checks that `options` has no key but those in `known`.
 *
 * @throws PLAN_INVALID with the key, the place and the nearest known one
 */
export function checkKnownOptions(options: object, known: readonly string[], place: string): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  const advice = near === undefined ? `it takes ${known.join(", ")}` : `did you mean "${near}"?`;
  throw new StreamError("PLAN_INVALID", `${place}: there is no option "${unknown}"; ${advice}`);
}

/** The word of `known` that begins like `word`, or takes the fewest keystrokes from it; undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  const distanceOf = (candidate: string): number =>
    wanted.startsWith(candidate) || candidate.startsWith(wanted) ? 1 : keystrokes(wanted, candidate);
  const ranked = known
    .map((candidate) => ({ candidate, distance: distanceOf(candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, word.length / 2) ? best.candidate : undefined;
}

/** Insertions, deletions and replacements that make `a` into `b`. */
function keystrokes(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
