/**
 * The ends of a job in a test: sources that are fed by hand, and sinks that keep what they get, in the place of what the program names.
 */
import type { Plan } from "../plan/plan.ts";
import type { Clock } from "../platform/platform.ts";
import { CollectingSink } from "./collecting-sink.ts";
import { ManualSource } from "./manual-source.ts";

/** A plan whose ends belong to a test. */
export interface ManualEnds {
  readonly plan: Plan;
  /** By their names. */
  readonly sources: ReadonlyMap<string, ManualSource>;
  /** By their names, and by what the program calls them. */
  readonly sinks: ReadonlyMap<string, CollectingSink>;
}

/** Replaces the ends of `plan`; `splits`: of the sources, by name, 1 where it does not say. */
export function replaceEnds(plan: Plan, splits: Readonly<Record<string, number>>, clock: Clock): ManualEnds {
  const sources = new Map<string, ManualSource>();
  const sinks = new Map<string, CollectingSink>();
  const stages = plan.stages.map((stage) => {
    const nodes = stage.sinks.map((node) => {
      const sink = new CollectingSink(node.spec);
      sinks.set(node.name, sink).set(node.spec.name, sink);
      return { ...node, spec: sink.spec };
    });
    if (stage.source === undefined) return { ...stage, sinks: nodes };
    const manual = new ManualSource(splits[stage.name] ?? 1, stage.source, () => clock.now());
    sources.set(stage.name, manual);
    return { ...stage, sinks: nodes, source: manual.spec, isIngress: false };
  });
  return { plan: { ...plan, stages }, sources, sinks };
}
