/**
 * Waiting in tests: for what is expected, never for an amount of time.
 */

/** Resolves when `holds` does; looks again and again. @throws when it does not within `limitMs` */
export async function until(what: string, holds: () => boolean, limitMs = 60_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** One turn of the event loop: whatever was said in this task has gone out. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
