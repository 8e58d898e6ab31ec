/**
 * The generations of the simulated job: which of them the job is, from what each goes on, and what of each counts in the end.
 *
 * Owns what the job's register and those of successors have said, and the cuts of the savepoints that generations go on from. What has come out is that of the
 * generation that the job is at the end, and of each one before it up to the savepoint that was gone on from.
 *
 * GN1. A generation that has not become the job says nothing, and writes nothing.
 * GN2. A generation that was ended by its savepoint (or held by it until another one had taken its place) has written nothing behind that.
 */
import { jobRegister, successorRegisters } from "../../log/names.ts";
import type { Plan } from "../../plan/plan.ts";
import type { InboxMessage } from "../../record/frame.ts";
import type { Origin } from "../../record/snapshot-record.ts";
import { decodeJobRecord } from "../../record/wire/job-record.ts";
import type { Violation } from "./contract.ts";
import { cutOf, type Cut } from "./cut.ts";
import { GenerationOracles, type OracleWorld } from "./generation-oracles.ts";

/** What a generation goes on from. */
interface Ancestor {
  readonly generation: number;
  readonly savepoint: number;
  readonly cut: Cut;
}

/** A row, by who has written it. */
export interface RowIdentity {
  readonly generation: number;
  readonly stage: string;
  readonly partition: number;
  readonly sink: string;
  readonly number: number;
}

/** Whom the generations tell. */
export interface GenerationEvents {
  /** The job is that generation from here on. */
  onBegun(generation: number, plan: Plan): void;
}

/** All generations of one job. */
export class Generations {
  readonly violations: Violation[] = [];
  readonly #world: OracleWorld;
  readonly #events: GenerationEvents;
  /** The plan of each program, by its version. */
  readonly #plans = new Map<string, Plan>();
  readonly #all = new Map<number, GenerationOracles>();
  /** Those that were prepared beside another one, which was held meanwhile. */
  readonly #prepared = new Set<number>();
  readonly #ancestors = new Map<number, Ancestor>();
  /** Those that are the job, or have been, oldest first. */
  readonly #begun: number[] = [];

  constructor(world: OracleWorld, first: Plan, events: GenerationEvents) {
    this.#world = world;
    this.#events = events;
    this.addProgram(first);
    this.#add(1, first);
    this.#begun.push(1);
  }

  /** A program that a generation may be of. */
  addProgram(plan: Plan): void {
    this.#plans.set(plan.version, plan);
  }

  get all(): readonly GenerationOracles[] {
    return [...this.#all.values()];
  }

  /** The one that the job is. */
  get current(): GenerationOracles {
    return this.#all.get(this.#begun.at(-1) ?? 1) as GenerationOracles;
  }

  of(generation: number | undefined): GenerationOracles | undefined {
    return generation === undefined ? undefined : this.#all.get(generation);
  }

  isJob(generation: number | undefined): boolean {
    return generation === this.#begun.at(-1);
  }

  /** What it goes on from: generations that count, youngest first, each with the cut up to which it does; the last one's is undefined. */
  get lineage(): readonly { readonly of: GenerationOracles; readonly cut: Cut | undefined }[] {
    const lineage: { of: GenerationOracles; cut: Cut | undefined }[] = [{ of: this.current, cut: undefined }];
    for (let ancestor = this.#ancestorOf(this.current); ancestor !== undefined;) {
      const of = this.#all.get(ancestor.generation);
      if (of === undefined) break;
      lineage.push({ of, cut: ancestor.cut });
      ancestor = this.#ancestorOf(of);
    }
    return lineage;
  }

  onRegistered(key: string, value: Uint8Array): void {
    for (const each of this.#all.values()) each.onRegistered(key, value);
    if (key !== jobRegister && !key.startsWith(successorRegisters)) return;
    const { generation, version, origin } = decodeJobRecord(value);
    const plan = this.#plans.get(version);
    if (plan === undefined) return;
    if (!this.#all.has(generation)) this.#add(generation, plan);
    if (key !== jobRegister) this.#prepared.add(generation);
    if (origin !== undefined) this.#descend(generation, origin);
    if (key !== jobRegister || this.#begun.includes(generation)) return;
    this.#begun.push(generation);
    this.#events.onBegun(generation, plan);
  }

  /** GN1. A message has been stored in an inbox. */
  onStored(generation: number, log: string, message: InboxMessage): void {
    this.#all.get(generation)?.onStored(log, message);
    if (message.kind === "frame" && !this.#begun.includes(generation))
      this.#violate(`generation ${generation} speaks into ${log}, and the job is generation ${this.#begun.at(-1)}`);
  }

  /** GN1. A row is about to be kept. */
  onRow({ generation, sink }: RowIdentity): void {
    if (!this.#begun.includes(generation))
      this.#violate(`generation ${generation} writes to ${sink}, and the job is generation ${this.#begun.at(-1)}`);
  }

  /** Of what has come out, what counts; with what violates GN2. */
  counted<R extends RowIdentity>(
    rows: readonly R[],
  ): { readonly rows: readonly R[]; readonly violations: readonly Violation[] } {
    const cuts = new Map(this.lineage.map(({ of, cut }) => [of.names.generation, cut] as const));
    const counts = ({ generation, stage, partition, sink, number }: R) => {
      const cut = cuts.get(generation);
      return cuts.has(generation) && (cut === undefined || number <= cut.rowsOf(stage, partition, sink));
    };
    const ended = new Set(this.#endedBySavepoint());
    const behind = rows.find((row) => ended.has(row.generation) && !counts(row));
    if (behind === undefined) return { rows: rows.filter(counts), violations: [] };
    const { generation, stage, partition, sink, number } = behind;
    const what = `row ${number} of ${stage}/${partition} in ${sink} is behind the savepoint that ended generation ${generation}`;
    return { rows: rows.filter(counts), violations: [{ oracle: "R12", what }] };
  }

  /** GN2. */
  #endedBySavepoint(): readonly number[] {
    return this.lineage.flatMap(({ of }) => {
      const ancestor = this.#ancestorOf(of);
      const before = this.of(ancestor?.generation);
      if (ancestor === undefined || before === undefined) return [];
      const hasEnded = this.#prepared.has(of.names.generation) || before.savepoints.hasEndedBy(ancestor.savepoint);
      return hasEnded ? [before.names.generation] : [];
    });
  }

  #ancestorOf({ names }: GenerationOracles): Ancestor | undefined {
    return this.#ancestors.get(names.generation);
  }

  #descend(generation: number, origin: Origin): void {
    const before = this.#all.get(origin.generation);
    if (this.#ancestors.has(generation) || before === undefined) return;
    try {
      const cut = cutOf(before.plan, origin, (chunks) => before.savepoints.read(chunks));
      this.#all.get(generation)?.inherit(before);
      this.#ancestors.set(generation, { generation: origin.generation, savepoint: origin.savepoint, cut });
    } catch (error) {
      this.#violate(`generation ${generation} goes on from ${origin.name}: ${String(error)}`);
    }
  }

  #add(generation: number, plan: Plan): void {
    this.#all.set(generation, new GenerationOracles(this.#world, plan, generation));
  }

  #violate(what: string): void {
    if (this.violations.length < 3) this.violations.push({ oracle: "R12", what });
  }
}
