/**
 * Sources and sinks that are never opened, and a short way to say what a plan looks like.
 */
import { expect } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import type { SinkGuarantee, SinkSpec } from "../../framework/log/sink.ts";
import type { SourceSpec, SourceTimestamps } from "../../framework/log/source.ts";
import type { Plan, Stage, Target } from "../../framework/plan/plan.ts";
import type { ValueCodec } from "../../framework/record/codec.ts";

/** What the records of these tests are. */
export interface Reading {
  readonly device: string;
  readonly celsius: number;
  readonly ok: boolean;
  readonly at: number;
}

/** A replayable source of readings. */
export function readings(timestamps?: SourceTimestamps<Reading>): SourceSpec<Reading> {
  const reader = {
    kind: "replayable",
    positions: "dense",
    bounded: true,
    splits: () => Promise.resolve([]),
    open: () => Promise.reject(new Error("is never opened")),
  } as const;
  return { description: "readings()", reader, timestamps };
}

/** A source of readings that pushes. */
export function pushed(): SourceSpec<Reading> {
  const reader = {
    kind: "push",
    codec: codecNamed("pushed"),
    splits: () => Promise.resolve([]),
    produce: () => () => undefined,
  } as const;
  return { description: "pushed()", reader };
}

/** A sink that takes anything. */
export function sink(
  label: string,
  placement: SinkSpec["placement"] = "chained",
  guarantee: SinkGuarantee = "idempotent",
): SinkSpec {
  const open = () => Promise.reject(new Error("is never opened"));
  return { description: "sink()", name: label, guarantee, placement, open };
}

/** A codec that is only a name. */
export function codecNamed<T>(name: string): ValueCodec<T> {
  return {
    name,
    encode: () => new Uint8Array(),
    decode: () => {
      throw new Error("is never decoded");
    },
  };
}

/** The plan as lines: each stage with where its records go, its operators behind it. */
export function outline(plan: Plan): readonly string[] {
  return plan.stages.flatMap((stage) => [
    `${stage.name} > ${targets(plan, stage, stage.entry)}`,
    ...stage.operators.map((operator) => {
      const late = operator.late.map((to) => (to.length === 0 ? "" : ` late > ${targets(plan, stage, to)}`));
      const sides = Object.entries(operator.sides).map(([name, to]) => ` ${name} > ${targets(plan, stage, to)}`);
      return `  ${operator.name} > ${targets(plan, stage, operator.outputs)}${[...late, ...sides].join("")}`;
    }),
  ]);
}

/** Edges go by their names, sinks by theirs in parentheses. */
function targets(plan: Plan, stage: Stage, list: readonly Target[]): string {
  return list
    .map((target) => {
      if (target.kind === "operator") return stage.operators[target.operator]?.name;
      if (target.kind === "edge") return plan.edges[target.edge]?.name;
      return `(${stage.sinks[target.sink]?.name})`;
    })
    .join(", ");
}

/** Expects `run` to be refused as a mistake of the program, with every one of `words` in the message. */
export function expectRefusal(run: () => unknown, ...words: readonly string[]): void {
  let caught: unknown;
  try {
    run();
  } catch (error) {
    caught = error;
  }
  expect(StreamError.is(caught, "PLAN_INVALID"), `is refused; caught ${String(caught)}`).toBe(true);
  for (const word of words) expect(String(caught)).toContain(word);
}
