/**
 * What a program remembers: keyed state, the operators' own, clocks, counts and chance, as a snapshot or a savepoint has it.
 *
 * Owns which part is whose. When there is a cut, and what becomes of it, is decided elsewhere.
 *
 * M1. `restore` takes back what `cut` gave, to the byte (O2). `adopt` takes what another generation left: by the names of operators and states (A1 to A3 of
 *     `state/adoption.ts`), with migrations.
 */
import { StreamError } from "../errors.ts";
import { adoptState } from "../state/adoption.ts";
import type { KeyedStore } from "../state/store.ts";
import type { Operator } from "./contract.ts";
import type { Ledger } from "./ledger.ts";
import {
  decodeOperators,
  encodeOperators,
  statesOfColumn,
  type AdoptedState,
  type ProgramState,
  type SavedState,
  type StateCut,
} from "./program-state.ts";
import type { StageClock } from "./stage-clock.ts";
import type { StageShape } from "./wiring.ts";

/** Where a program's memory lies. */
export interface MemoryParts {
  readonly store: KeyedStore;
  readonly ledger: Ledger;
  readonly clock: StageClock;
}

/** The memory of one instance's program. */
export class ProgramMemory {
  readonly #stage: StageShape;
  readonly #operators: readonly (Operator | undefined)[];
  readonly #parts: MemoryParts;

  constructor(stage: StageShape, operators: readonly (Operator | undefined)[], parts: MemoryParts) {
    this.#stage = stage;
    this.#operators = operators;
    this.#parts = parts;
  }

  /** Everything that it keeps: columns, what is declared outside of keyed state, and, with an empty name, the operators' own. */
  get states(): readonly ProgramState[] {
    const keyed = this.#parts.store.columns.flatMap(statesOfColumn);
    const isKeyed = (operator: string, name: string) =>
      keyed.some((state) => state.operator === operator && state.name === name);
    const others = this.#stage.operators.flatMap(({ name: operator, factory }, index): readonly ProgramState[] => {
      const declared = (factory.states ?? [])
        .filter(({ name }) => !isKeyed(operator, name))
        .map(({ name, form, version, oldest }) => ({ operator, name, kind: form, version, oldest }));
      const isOwn = this.#operators[index]?.snapshot !== undefined && declared.length === 0;
      return isOwn ? [{ operator, name: "", kind: factory.kind, version: 1, oldest: 1 }] : declared;
    });
    return [...keyed, ...others];
  }

  /** See {@link import("./program.ts").StageProgram.cut}. */
  cut(): StateCut {
    const { store, ledger, clock } = this.#parts;
    const { applied, nowMs } = clock;
    const segments = store.cut();
    const states = this.#operators.flatMap((operator, index) => {
      const name = this.#stage.operators[index]?.name;
      return operator?.snapshot === undefined || name === undefined ? [] : [[name, operator.snapshot()] as const];
    });
    return {
      nowMs,
      random: ledger.random,
      counts: ledger.counts,
      watermark: applied,
      operators: encodeOperators({ nextTimerNumber: store.nextTimerNumber, states }),
      encodeSome: (bytesMax) => segments.encodeSome(bytesMax),
      segments: () => segments.segments(),
      discard: () => segments.discard(),
    };
  }

  /** Takes what a cut gave. @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  restore(saved: SavedState): void {
    const { nextTimerNumber, states } = decodeOperators(saved.operators);
    const { store, ledger, clock } = this.#parts;
    store.restore(saved.segments, nextTimerNumber);
    ledger.restore(saved.counts, saved.random);
    clock.restore(saved.nowMs, saved.watermark);
    for (const [name, state] of states) {
      const operator = this.#named(name);
      if (operator?.restore === undefined) throw this.#unknown("snapshot", name);
      operator.restore(state);
    }
  }

  /** Takes what the instances of a savepoint had (M1). @throws CORRUPT, SNAPSHOT_UNSUITABLE */
  adopt({ instances, isOwn, fateOf, counts, random, nowMs, watermark }: AdoptedState): void {
    const decoded = instances.map(({ segments, operators }) => ({ segments, ...decodeOperators(operators) }));
    const { store, ledger, clock } = this.#parts;
    adoptState(store, { instances: decoded, isOwn, fateOf });
    ledger.restore(counts, random ?? ledger.random);
    clock.restore(nowMs, watermark);
    const named = Map.groupBy(
      decoded.flatMap(({ states }) => states),
      ([name]) => name,
    );
    for (const [name, theirs] of named) {
      const operator = this.#named(name);
      if (fateOf(name) === "dropped") continue;
      this.#adoptOperator(
        name,
        operator,
        theirs.map(([, state]) => state),
      );
    }
  }

  #adoptOperator(name: string, operator: Operator | undefined, states: readonly unknown[]): void {
    if (operator?.restore === undefined) throw this.#unknown("savepoint", name);
    if (operator.adopt !== undefined) return operator.adopt(states);
    if (states.length === 1) return operator.restore(states[0]);
    const what = `the state of operator ${name} cannot be divided among another number of partitions`;
    throw new StreamError("SNAPSHOT_UNSUITABLE", what);
  }

  #named(name: string): Operator | undefined {
    return this.#operators[this.#stage.operators.findIndex((node) => node.name === name)];
  }

  #unknown(what: string, name: string): StreamError {
    return new StreamError(
      "SNAPSHOT_UNSUITABLE",
      `the ${what} has state of operator ${name}, and stage ${this.#stage.name} has none like it`,
    );
  }
}
