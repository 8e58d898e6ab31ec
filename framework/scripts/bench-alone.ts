/**
 * What a benchmark's job costs without its exchange: the programs of its two stages, joined by a function call.
 */
import type { Outlet } from "../operator/outlet.ts";
import { StageProgram } from "../operator/program.ts";
import { plan } from "../index.ts";
import type { BenchJob } from "./bench-jobs.ts";

const warmUpEvents = 500_000;
const measuredEvents = 2_000_000;

/** CPU per record that travels, µs, of the generator and the operators alone. */
export function operatorsAlone(bench: BenchJob): number {
  const { stages, edges } = plan(bench.build(1, 1));
  const options = { onError: "deadLetter", seed: 1 } as const;
  const silent: Outlet = {
    emit: () => undefined,
    write: () => undefined,
    deadLetter: () => undefined,
    mark: () => undefined,
    undo: () => undefined,
  };
  const [first, second] = stages;
  const key = edges[0]?.key;
  if (first === undefined || second === undefined || key === undefined)
    throw new Error("the bench has two stages and a keyed edge");
  const counting = new StageProgram(second, silent, options);
  const emit: Outlet["emit"] = (_edge, value, timestamp) => {
    counting.select(key(value));
    counting.process(value, timestamp);
  };
  const source = new StageProgram(first, { ...silent, emit }, options);
  const run = (from: number, to: number) => {
    for (let index = from; index < to; index += 1) source.process(bench.make(index), undefined);
  };
  run(0, warmUpEvents);
  const before = process.cpuUsage();
  run(warmUpEvents, warmUpEvents + measuredEvents);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / measuredEvents) * bench.eventsPerRecord;
}
