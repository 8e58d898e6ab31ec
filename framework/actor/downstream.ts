/**
 * Where a stage speaks to.
 */
import type { Plan } from "../plan/plan.ts";

/** Every inbox that the instances of `stage` speak into, as (stage, partition), each once. */
export function inboxesBehind({ edges, stages }: Plan, stage: number): [number, number][] {
  const targets = edges.filter((edge) => edge.from === stage).map((edge) => edge.to);
  return [...new Set(targets)].flatMap((to) => {
    const partitions = typeof to === "number" ? (stages[to]?.partitions ?? 0) : 0;
    return Array.from({ length: partitions }, (_, partition): [number, number] => [Number(to), partition]);
  });
}
