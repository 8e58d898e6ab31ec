/**
 * A folder of its own for a test, removed after it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new, empty folder; call it in a test or a `beforeEach`. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
