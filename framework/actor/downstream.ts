/**
 * Where a stage speaks to.
 */
import type { Plan } from "../plan/plan.ts";
import type { ChannelFloor } from "../record/messages.ts";
import type { ChannelOutState } from "../record/snapshot-record.ts";

/** Every inbox that the instances of `stage` speak into, as (stage, partition), each once. */
export function inboxesBehind({ edges, stages }: Plan, stage: number): [number, number][] {
  const targets = edges.filter((edge) => edge.from === stage).map((edge) => edge.to);
  return [...new Set(targets)].flatMap((to) => {
    const partitions = typeof to === "number" ? (stages[to]?.partitions ?? 0) : 0;
    return Array.from({ length: partitions }, (_, partition): [number, number] => [Number(to), partition]);
  });
}

/** What a snapshot says of the channels into one inbox, for the epoch-start that goes there. */
export function floorsInto(
  { edges }: Plan,
  channels: readonly ChannelOutState[],
  stage: number,
  partition: number,
): ChannelFloor[] {
  const into = channels.filter(({ edge, to }) => to === partition && edges[edge]?.to === stage);
  return into.map(({ edge, last }) => ({ edge, last }));
}
