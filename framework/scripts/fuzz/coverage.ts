/**
 * Which pieces of the framework's code have been run: what tells an input that leads somewhere new from one that does not.
 */
import { Session } from "node:inspector/promises";

/** Watches V8's own block coverage of this process. */
export class CodeCoverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    await this.isNew();
  }

  /** Whether something has been run since the last call that had never been run before. */
  async isNew(): Promise<boolean> {
    const before = this.#seen.size;
    for (const piece of await this.#run()) this.#seen.add(piece);
    return this.#seen.size > before;
  }

  /** Those of `inputs`, in their order, each of which runs something that no earlier one does. */
  async fewest(inputs: readonly Uint8Array[], feed: (input: Uint8Array) => void): Promise<readonly Uint8Array[]> {
    const seen = new Set<string>();
    const kept: Uint8Array[] = [];
    await this.#run();
    for (const input of inputs) {
      feed(input);
      const before = seen.size;
      for (const piece of await this.#run()) seen.add(piece);
      if (seen.size > before) kept.push(input);
    }
    return kept;
  }

  async stop(): Promise<void> {
    await this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  /** The pieces that have been run since the last call. */
  async #run(): Promise<readonly string[]> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    const ours = result.filter(({ url }) => url.includes("/framework/") && !url.includes("/scripts/"));
    return ours.flatMap(({ url, functions }) =>
      functions.flatMap(({ ranges }) =>
        ranges
          .filter(({ count }) => count > 0)
          .map(({ startOffset, endOffset }) => `${url}:${startOffset}-${endOffset}`),
      ),
    );
  }
}
