/**
 * A sink that keeps what it gets, in one of three ways: idempotent by id, transactional by number, or in two phases.
 *
 * Owns the rows that are out, and looks at what it is told: a row that comes again must be the same row (O3), and what has been aborted is not committed.
 */
import { isDeepStrictEqual } from "node:util";
import { StreamError } from "../../errors.ts";
import type { SinkGuarantee, SinkIdentity, SinkRow, SinkSpec, SinkWriter } from "../../log/sink.ts";
import type { VirtualClock } from "../../platform/virtual-clock.ts";
import { copyOf } from "../../actor/sink-queue.ts";
import type { ScenarioSink, SinkRowTaken, Violation } from "./contract.ts";
import type { Dice } from "./faults.ts";
import type { Generations, RowIdentity } from "./generations.ts";

const slowMsMax = 2_000;
const who = { states: ["sink"] };

/** The world a sink of a simulation is in. */
export interface SinkWorld {
  readonly clock: VirtualClock;
  readonly dice: Dice;
  readonly generations: () => Generations;
}

/** A row, and who has written it. */
interface Kept extends RowIdentity, SinkRowTaken {}

interface Transaction {
  readonly name: string;
  readonly epoch: number;
  /** Who has prepared it: generation, stage and partition. */
  readonly instance: string;
  readonly rows: ReadonlyMap<string, Kept>;
  state: "prepared" | "committed" | "aborted";
}

/** The kinds of sinks that a simulation has. */
export type LedgerGuarantee = Extract<SinkGuarantee, "idempotent" | "transactional" | "twoPhase">;

/** A sink of a scenario. */
export class LedgerSink implements ScenarioSink {
  readonly name: string;
  readonly violations: Violation[] = [];
  readonly #world: SinkWorld;
  readonly #guarantee: LedgerGuarantee;
  readonly #rows = new Map<string, Kept>();
  readonly #transactions = new Map<string, Transaction>();
  /** Of a transactional sink: number of the last row stored, by instance. */
  readonly #stored = new Map<string, number>();

  constructor(world: SinkWorld, name: string, guarantee: LedgerGuarantee) {
    this.name = name;
    this.#world = world;
    this.#guarantee = guarantee;
  }

  get spec(): SinkSpec {
    return {
      description: `ledger(${this.name}, ${this.#guarantee})`,
      name: this.name,
      guarantee: this.#guarantee,
      placement: "chained",
      encode: copyOf,
      open: (identity) => Promise.resolve(this.#writer(identity)),
    };
  }

  rows(): readonly SinkRowTaken[] {
    return this.#world.generations().counted([...this.#rows.values()]).rows;
  }

  /** What has been seen go wrong by the end of the job. */
  atCompletion(): readonly Violation[] {
    return this.#world.generations().counted([...this.#rows.values()]).violations;
  }

  #writer(identity: SinkIdentity): SinkWriter {
    const instance = `${identity.generation}:${identity.stage}/${identity.partition}`;
    const close = () => Promise.resolve();
    if (this.#guarantee === "twoPhase") return this.#twoPhase(identity, instance);
    return { write: (rows) => this.#write(rows, () => this.#store(identity, instance, rows)), close };
  }

  #twoPhase(identity: SinkIdentity, instance: string): SinkWriter {
    const { epoch } = identity;
    let open = new Map<string, Kept>();
    let count = 0;
    return {
      write: (rows) =>
        this.#write(rows, () => {
          for (const row of rows) open.set(`${instance}#${row.number}`, this.#kept(identity, row));
        }),
      prepare: async () => {
        if (open.size === 0) return undefined;
        count += 1;
        const name = `${instance}@${epoch}.${count}`;
        await this.#pause();
        this.#transactions.set(name, { name, epoch, instance, rows: open, state: "prepared" });
        open = new Map();
        return Buffer.from(name);
      },
      commit: async (prepared) => {
        await this.#pause();
        this.#commit(Buffer.from(prepared).toString());
      },
      recover: async (listed) => {
        await this.#pause();
        const names = new Set(listed.map((each) => Buffer.from(each).toString()));
        for (const name of names) this.#commit(name);
        for (const each of this.#transactions.values())
          if (each.instance === instance && each.epoch < epoch && each.state === "prepared" && !names.has(each.name))
            each.state = "aborted";
      },
      close: () => Promise.resolve(),
    };
  }

  #commit(name: string): void {
    const transaction = this.#transactions.get(name);
    if (transaction === undefined || transaction.state === "committed") return;
    if (transaction.state === "aborted") return this.#violate("O1", `${name} is committed after it was aborted`);
    transaction.state = "committed";
    for (const [id, row] of transaction.rows) this.#keep(id, row);
  }

  /** @throws SINK_UNAVAILABLE: the rows come again, whether they were taken or not */
  async #write(rows: readonly SinkRow[], take: () => void): Promise<readonly never[]> {
    await this.#pause();
    const fails = this.#world.dice.strikes("sinkFails", who, this.name);
    if (!fails || this.#world.dice.of("sinkFails").below(2) === 0) take();
    if (fails) throw new StreamError("SINK_UNAVAILABLE", `${this.name} does not answer for ${rows.length} rows`);
    return [];
  }

  #pause(): Promise<void> {
    const isSlow = this.#world.dice.strikes("sinkSlow", who, this.name);
    const delayMs = isSlow ? 1 + this.#world.dice.of("sinkSlow").below(slowMsMax) : 0;
    return new Promise((resolve) => this.#world.clock.schedule(delayMs, resolve));
  }

  #store(identity: SinkIdentity, instance: string, rows: readonly SinkRow[]): void {
    for (const row of rows) {
      const { number } = row;
      const last = this.#stored.get(instance) ?? 0;
      if (this.#guarantee === "transactional" && number > last + 1)
        this.#violate("O3", `${this.name}: after row ${last} of ${instance} comes ${number}`);
      this.#stored.set(instance, Math.max(last, number));
      this.#keep(`${instance}#${number}`, this.#kept(identity, row));
    }
  }

  #kept({ generation, stage, partition, sink }: SinkIdentity, { number, value, timestamp }: SinkRow): Kept {
    return { generation, stage, partition, sink, number, value, timestamp };
  }

  /** @throws DIVERGED: a sink that keeps numbers notices (R11) */
  #keep(id: string, row: Kept): void {
    this.#world.generations().onRow(row);
    const known = this.#rows.get(id);
    if (known === undefined) return void this.#rows.set(id, row);
    if (isDeepStrictEqual(known, row)) return;
    const what = `${this.name}: row ${id} was ${JSON.stringify(known.value)}, and is ${JSON.stringify(row.value)}`;
    this.#violate("O3", what);
    throw new StreamError("DIVERGED", what);
  }

  #violate(oracle: Violation["oracle"], what: string): void {
    this.violations.push({ oracle, what });
  }
}
