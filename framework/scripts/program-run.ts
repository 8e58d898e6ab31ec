/**
 * Runs a plan's programs by function calls, without an exchange between its stages: what its operators cost alone.
 */
import type { Outlet } from "../operator/outlet.ts";
import { StageProgram } from "../operator/program.ts";
import type { Plan } from "../plan/plan.ts";

const recordsPerWatermark = 1_000;

/** The programs of a plan whose first stage is its source. */
export class ProgramRun {
  readonly programs: readonly StageProgram[];
  readonly #source: StageProgram;
  readonly #others: readonly StageProgram[];

  constructor({ stages, edges }: Plan) {
    const made: StageProgram[] = [];
    const outlet: Outlet = {
      emit(index, output, timestamp) {
        const edge = edges[index];
        const next = typeof edge?.to === "number" ? made[edge.to] : undefined;
        if (edge?.key !== undefined) next?.select(edge.key(output));
        next?.process(output, timestamp);
      },
      write: () => undefined,
      deadLetter: (letter) => {
        throw new Error(`a record of the bench has failed: ${letter.message}`);
      },
      mark: () => undefined,
      undo: () => undefined,
    };
    for (const stage of stages) made.push(new StageProgram(stage, outlet, { onError: "deadLetter", seed: 1 }));
    const [source, ...others] = made;
    if (source === undefined) throw new Error("a plan has stages");
    this.programs = made;
    this.#source = source;
    this.#others = others;
  }

  /** Feeds the records [from, to). The source's watermark moves on every 1,000 of them. */
  feed(make: (index: number) => unknown, from: number, to: number): void {
    for (let index = from; index < to; index += 1) {
      this.#source.process(make(index), undefined);
      if (index % recordsPerWatermark !== 0) continue;
      const { watermark } = this.#source;
      for (const program of this.#others) {
        program.advanceTo(watermark, Infinity);
        program.tick(watermark, Infinity);
      }
    }
  }
}

/** CPU time of this process while `run` runs, ns per record. */
export function nanosPerRecord(records: number, run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / records;
}
