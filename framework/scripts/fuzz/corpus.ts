/**
 * The saved inputs of each target: what has led somewhere once, and what has broken something.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FuzzTarget } from "./target.ts";

const root = resolve(import.meta.dirname, "../../..");

/** Below the root of the repository. */
export function folderOf({ name }: Pick<FuzzTarget, "name">): string {
  return join("test/fuzz/corpus", name.replaceAll(" ", "-"));
}

/** What is saved of a target; empty when nothing is. */
export function readCorpus(target: Pick<FuzzTarget, "name">): readonly Uint8Array[] {
  const folder = join(root, folderOf(target));
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .map((file) => readFileSync(join(folder, file)));
}
