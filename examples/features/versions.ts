/**
 * State that has changed its shape: version 1 of this program kept a bare number per device, this one keeps what it is measured in, too. `tidemark upgrade` puts this
 * program in the place of the old one while it runs; what that has counted goes on.
 *
 * node examples/features/versions.ts
 */
import { fromArray, job, print, run, schema, value } from "tidemark";

const readings = fromArray([
  { device: "boiler", celsius: 70 },
  { device: "boiler", celsius: 74 },
]);

/** Each step says how the version before becomes the next one. */
const reading = schema<number>().migrate((degrees) => ({ degrees, unit: "celsius" }));

const latest = job("versions");

latest
  .source("readings", readings)
  .keyBy((each) => each.device)
  .process({
    state: { last: value({ schema: reading }) },
    process({ celsius }, { key, state }) {
      const before = state.last.get();
      state.last.set({ degrees: celsius, unit: "celsius" });
      return [{ device: key, before: before === undefined ? "nothing" : `${before.degrees} ${before.unit}` }];
    },
  })
  .named("latest")
  .to(print("changes"));

export default latest;
if (import.meta.main) await run(latest);
