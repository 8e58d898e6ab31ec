/**
 * A bounded source whose records become available as a script says: bursts, pauses, several splits.
 *
 * Owns the entries; a record is a function of its position (S1). Whether it is there is a question of the place's time, never of the reader's.
 */
import { StreamError } from "../../errors.ts";
import type { SourceSpec, SplitOpening, SplitReader, SplitTake } from "../../log/source.ts";
import type { VirtualClock } from "../../platform/virtual-clock.ts";
import type { ScenarioSource, SimulatedRecord, SplitScript } from "./contract.ts";
import type { Dice } from "./faults.ts";

/** The world a source of a simulation is in. */
export interface SourceWorld {
  readonly clock: VirtualClock;
  readonly dice: Dice;
}

const nobody = { states: ["source"] };

/** The source of a scenario. */
export function scriptedSource(world: SourceWorld, scripts: readonly SplitScript[]): ScenarioSource {
  const spec: SourceSpec<SimulatedRecord> = {
    description: `script of ${scripts.length} splits`,
    reader: {
      kind: "replayable",
      positions: "dense",
      bounded: true,
      splits: () =>
        Promise.resolve(scripts.map((_, index) => ({ name: `split-${index}`, identity: `split-${index}` }))),
      open: async (opening) => {
        if (world.dice.strikes("sourceFails", nobody, `open ${opening.split.name}`)) throw unavailable(opening);
        return new ScriptedReader(world, scripts[Number(opening.split.name.slice("split-".length))], opening);
      },
    },
  };
  return { spec };
}

function unavailable({ split }: SplitOpening): StreamError {
  return new StreamError("UNAVAILABLE", `${split.name} cannot be read`);
}

class ScriptedReader implements SplitReader {
  readonly #world: SourceWorld;
  readonly #script: SplitScript;
  readonly #opening: SplitOpening;
  #next: number;
  #cancel: (() => void) | undefined;
  #hasFailed = false;

  constructor(world: SourceWorld, script: SplitScript | undefined, opening: SplitOpening) {
    if (script === undefined) throw new RangeError(`there is no ${opening.split.name}`);
    this.#world = world;
    this.#script = script;
    this.#opening = opening;
    this.#next = opening.after ?? 0;
  }

  take(): SplitTake {
    if (this.#hasFailed) return "waiting";
    const entry = this.#script.records[this.#next];
    const nowMs = this.#world.clock.monotonicMs();
    const thereMs = entry?.availableMs ?? this.#script.endsMs;
    if (thereMs > nowMs) return this.#waitFor(thereMs - nowMs);
    if (entry === undefined) return "ended";
    if (this.#world.dice.strikes("sourceFails", nobody, this.#opening.split.name)) return this.#fail();
    this.#next += 1;
    return { position: this.#next, value: entry.record };
  }

  close(): void {
    this.#cancel?.();
    this.#hasFailed = true;
  }

  #waitFor(delayMs: number): SplitTake {
    this.#cancel?.();
    this.#cancel = this.#opening.schedule(Math.ceil(delayMs), this.#opening.onReadable);
    return "empty";
  }

  #fail(): SplitTake {
    this.#hasFailed = true;
    this.#opening.schedule(0, () => this.#opening.onFailed(unavailable(this.#opening)));
    return "waiting";
  }
}
