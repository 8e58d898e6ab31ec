/**
 * Everything that the simulated job keeps in the place, as one process sees it: for those who remove a generation.
 */
import type { Holdings } from "../../log/contracts.ts";
import { parseHoldingName } from "../../log/holding-name.ts";
import type { Connection } from "./connection.ts";

/** The holdings of `job`. */
export function simulatedHoldings(connection: Connection, job: string): Holdings {
  const { place } = connection;
  const chunks = () => place.generations.map((generation) => `TM_${job}_${generation}_CHUNKS`);
  return {
    list: () =>
      connection.call("list everything", () =>
        [`KV_TM_${job}`, ...place.logNames, ...chunks()].map((name) => ({ name, bytes: 0 })),
      ),
    delete: (name) =>
      connection.call(`delete ${name}`, () => {
        const { holds, generation } = parseHoldingName(name) ?? {};
        if (holds !== "chunks") place.deleteLog(name);
        else for (const chunk of place.blobsOf(generation ?? 0).keys()) place.deleteBlob(generation, chunk);
      }),
  };
}
