/**
 * Calls to the outside with their answers kept, in order and with a bound on how many wait; and batches for a function that takes many values at once.
 *
 * node examples/features/calls.ts
 */
import { fromArray, job, print, run } from "tidemark";

/** A service somewhere. */
function nameOf(device: string): Promise<string> {
  return Promise.resolve(`the ${device}`);
}

const plant = job("calls");
const readings = plant.source(
  "readings",
  fromArray([
    { device: "boiler", celsius: 70 },
    { device: "cellar", celsius: 12 },
  ]),
);

readings
  .mapAsync(async ({ device, celsius }) => ({ name: await nameOf(device), celsius }), {
    order: "ordered",
    capacity: 10,
    timeout: "2s",
    retry: { attempts: 3 },
  })
  .to(print("asked"));
readings
  .mapBatch({
    deterministic: true,
    version: "fahrenheit-1",
    run: (batch) => batch.map(({ celsius }) => celsius * 1.8 + 32),
  })
  .to(print("in batches"));

export default plant;
if (import.meta.main) await run(plant);
