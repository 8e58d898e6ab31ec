/**
 * A way to the place of a simulation on which nothing goes wrong: for those who are no part of the job, such as people with commands.
 */
import type { Administrator } from "../../administration/administrator.ts";
import type { Seams } from "../../log/contracts.ts";
import { silentLogger } from "../../platform/logger.ts";
import { seededRandom } from "../../platform/random.ts";
import { Connection } from "./connection.ts";
import { Dice } from "./faults.ts";
import type { SimulatedPlace } from "./place.ts";
import { simulatedBus } from "./simulated-bus.ts";
import { SimulatedLogs } from "./simulated-logs.ts";
import { SimulatedBlobs, simulatedRegisters } from "./simulated-stores.ts";

/** Whoever looks at a job, and commands it. */
export function bystander(place: SimulatedPlace, job: string): Administrator {
  const random = seededRandom("bystander");
  const dice = new Dice(random, {}, new Set(), () => undefined);
  const connection = new Connection(place, dice, random, () => []);
  const seams: Seams = {
    logs: new SimulatedLogs(connection, 0),
    bus: simulatedBus(connection),
    holdings: {
      list: () => Promise.resolve([{ name: `KV_TM_${job}`, bytes: 0 }]),
      delete: () => Promise.resolve(),
    },
    registers: () => Promise.resolve(simulatedRegisters(connection)),
    blobs: (_job, generation) => Promise.resolve(new SimulatedBlobs(connection, generation)),
    savepoints: () => Promise.resolve(new SimulatedBlobs(connection, undefined)),
  };
  return { seams, by: "simulation", platform: { clock: place.clock, random, logger: silentLogger } };
}
