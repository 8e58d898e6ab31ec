/**
 * What jobs keep on a NATS server: the streams of an account that are called like Tidemark's.
 *
 * Owns nothing; what a name means is for the caller to find out.
 */
import type { Holding, Holdings } from "../log/contracts.ts";
import type { Streams } from "./streams.ts";

/** The holdings of an account. */
export class NatsHoldings implements Holdings {
  readonly #streams: Streams;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  async list(): Promise<readonly Holding[]> {
    const streams = await this.#streams.list("");
    return streams
      .map(({ config, state }) => ({ name: config.name, bytes: state.bytes }))
      .filter(({ name }) => name.startsWith("TM_") || name.startsWith("KV_TM_"));
  }

  delete(name: string): Promise<void> {
    return this.#streams.delete(name);
  }
}
