/**
 * How a mutant's text is found in the source, and replaced.
 */
import type { Mutant } from "./mutant.ts";

/** What a patch needs of a mutant. */
export type Patch = Pick<Mutant, "from" | "to">;

/** Finds `text` whatever its spaces and line ends. */
function patternOf(text: string): RegExp {
  const words = text
    .trim()
    .split(/\s+/u)
    .map((word) => word.replaceAll(/[$()*+.?[\\\]^{|}]/gu, String.raw`\$&`));
  return new RegExp(words.join(String.raw`\s*`), "gu");
}

/** The source with the patch in it; undefined when its text does not stand there exactly once. */
export function patched(source: string, { from, to }: Patch): string | undefined {
  const pattern = patternOf(from);
  if ([...source.matchAll(pattern)].length !== 1) return undefined;
  return source.replace(pattern, () => to);
}
