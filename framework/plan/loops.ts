/**
 * The cycles of a plan: which stages are on one, and which edges carry no event time because of it.
 *
 * Owns what follows from feedback stages; how a loop ends is decided by `protocol/loop-end.ts`.
 *
 * P3. Every cycle goes through a feedback stage; program order permits no other.
 * G1. Stages on common cycles are one loop.
 * G2. An edge into a feedback stage from within its loop is *fed back*: event time would wait for itself there. (Flink's iterations cut it at the same
 *     place: their head says nothing of event time but its end.)
 * G3. An edge behind a stage that only timeless edges lead into is timeless itself.
 */
import { StreamError } from "../errors.ts";
import type { Edge, Plan, Stage } from "./plan.ts";

type Graph = Pick<Plan, "stages" | "edges">;

/** A graph with its loops found: each stage knows its own, each edge what it says of event time. @throws PLAN_INVALID */
export function closeLoops(place: string, graph: Graph): Graph {
  if (!graph.stages.some(({ feedbackBytes }) => feedbackBytes !== undefined)) return graph;
  const loops = loopOfEach(graph);
  for (const { index, name, feedbackBytes } of graph.stages) {
    if (feedbackBytes === undefined || loops[index] !== undefined) continue;
    refuse(
      place,
      `nothing that comes out of feedback stream "${name}" is sent back to it: unite the streams with union(…)`,
    );
  }
  const timeless = timelessStages(graph, loops);
  const stages = graph.stages.map((stage) => ({ ...stage, loop: loops[stage.index] }));
  for (const stage of stages) if (timeless.has(stage.index)) checkTimeless(place, stage);
  const edges = graph.edges.map((edge) => ({ ...edge, eventTime: eventTimeOf(edge, graph, loops, timeless) }));
  return { stages, edges };
}

/** The edges into `stage` that come from its own loop. */
export function innerInputs({ edges, stages }: Graph, { inputs, loop }: Stage): ReadonlySet<number> {
  return new Set(inputs.filter((input) => loop !== undefined && stages[edges[input]?.from ?? -1]?.loop === loop));
}

/** Whether the edge says nothing of event time but its end. */
export function isTimeless({ eventTime }: Pick<Edge, "eventTime">): boolean {
  return eventTime !== undefined;
}

/** Number of the loop of each stage, by its index; stages of no loop have none (G1). */
function loopOfEach({ stages, edges }: Graph): readonly (number | undefined)[] {
  const reached = stages.map(({ index }) => reachedFrom(index, edges));
  const loops: (number | undefined)[] = stages.map(() => undefined);
  let count = 0;
  for (const { index, feedbackBytes } of stages) {
    if (feedbackBytes === undefined || reached[index]?.has(index) !== true || loops[index] !== undefined) continue;
    for (const other of reached[index]) if (reached[other]?.has(index) === true) loops[other] = count;
    count += 1;
  }
  return loops;
}

/** Every stage that records of `stage` can come to; itself only over a cycle. */
function reachedFrom(stage: number, edges: readonly Edge[]): ReadonlySet<number> {
  const reached = new Set<number>();
  const open = [stage];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const { from, to } of edges) {
      if (from !== at || typeof to !== "number" || reached.has(to)) continue;
      reached.add(to);
      open.push(to);
    }
  }
  return reached;
}

function isFedBack({ from, to }: Edge, { stages }: Graph, loops: readonly (number | undefined)[]): boolean {
  return (
    typeof to === "number" &&
    stages[to]?.feedbackBytes !== undefined &&
    loops[to] !== undefined &&
    loops[from] === loops[to]
  );
}

/** Stages that no event time comes to (G3). */
function timelessStages(graph: Graph, loops: readonly (number | undefined)[]): ReadonlySet<number> {
  const timeless = new Set<number>();
  for (let hasGrown = true; hasGrown;) {
    const more = graph.stages.filter(
      ({ index, inputs }) =>
        !timeless.has(index) &&
        inputs.length > 0 &&
        inputs.every((input) => {
          const edge = graph.edges[input];
          return edge !== undefined && (timeless.has(edge.from) || isFedBack(edge, graph, loops));
        }),
    );
    for (const { index } of more) timeless.add(index);
    hasGrown = more.length > 0;
  }
  return timeless;
}

function eventTimeOf(
  edge: Edge,
  graph: Graph,
  loops: readonly (number | undefined)[],
  timeless: ReadonlySet<number>,
): Edge["eventTime"] {
  if (isFedBack(edge, graph, loops)) return "fedBack";
  return timeless.has(edge.from) && typeof edge.to === "number" ? "endOnly" : undefined;
}

function checkTimeless(place: string, { operators }: Stage): void {
  const waiting = operators.find(({ factory }) => factory.eventTime);
  if (waiting === undefined) return;
  const what = `operator "${waiting.name}" works in event time, but only what was sent back comes to it`;
  refuse(place, `${what}, and that moves no event time: unite it with a stream that does, or use processing time`);
}

function refuse(place: string, problem: string): never {
  throw new StreamError("PLAN_INVALID", `${place}: ${problem}`);
}
