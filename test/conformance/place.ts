/**
 * Where a conformance suite runs: on memory or on a server.
 *
 * A suite is written once, as if everything were real: it awaits the seams and waits for what it expects. What drives time meanwhile is the business of
 * the place.
 */
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import type { Seams } from "../../framework/log/contracts.ts";
import { seededRandom, systemRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";
import type { NatsForTests } from "../support/nats.ts";
import { turn } from "../support/until.ts";

/** One implementation of the seams, for a suite. */
export interface Place {
  readonly name: string;
  /** Runs one test: hands it the seams, and lets time pass until it is through. */
  run(body: (seams: Seams) => Promise<void>): Promise<void>;
}

/** Memory, on a virtual clock that is driven as long as the test runs; tasks due together run in order, or in one drawn from `seed`. */
export function memoryPlace(seed?: number): Place {
  return {
    name: seed === undefined ? "memory" : "memory, in a drawn order",
    run: async (body) => {
      const clock = new VirtualClock(seed === undefined ? {} : { random: seededRandom(seed) });
      const progress = { isThrough: false };
      const through = body(new MemorySeams(clock)).finally(() => {
        progress.isThrough = true;
      });
      while (!progress.isThrough) if (!(await clock.step())) await turn();
      await through;
    },
  };
}

/** A server. */
export function natsPlace(nats: NatsForTests): Place {
  let seams: Promise<Seams> | undefined;
  return { name: "NATS", run: async (body) => body(await (seams ??= nats.connect())) };
}

/** A job nobody else has. */
export function newJob(): string {
  return `t${systemRandom().id(8)}`;
}
