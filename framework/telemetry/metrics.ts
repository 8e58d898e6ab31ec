/**
 * The metrics: what each is called, in which unit, and where in a worker's measures its points come from.
 *
 * Owns the names. Everything that has a label has few values of it: stages and partitions of the plan, states, causes. README.md has the same table, and a
 * test keeps the two in step.
 */
import type { Attributes } from "@opentelemetry/api";
import type { LoopDelays } from "./loop-delay.ts";
import type { DepartedInstance, InstanceMeasures, LaneMeasures, WorkerMeasures } from "./measures.ts";

/** What all metrics are read from. */
export interface Moment {
  readonly worker: WorkerMeasures;
  readonly loop: LoopDelays;
}

/** One value of a metric. */
export interface Point {
  readonly value: number;
  readonly attributes: Attributes;
}

/** A metric. `counter`s only grow while the process lives. */
export interface Metric {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  /** By UCUM, with annotations for what is counted. */
  readonly unit: string;
  readonly description: string;
  points(moment: Moment): readonly Point[];
}

type Described = Omit<Metric, "points">;

const perSecond = 1_000;

function work(metric: Described, read: (work: InstanceMeasures["work"]) => number): Metric {
  const point = ({ stage, partition, work: done }: DepartedInstance) => ({
    value: read(done),
    attributes: labels(stage, partition),
  });
  return { ...metric, points: ({ worker }) => [...worker.instances, ...worker.departed].map(point) };
}

function load(metric: Described, read: (of: InstanceMeasures, nowMs: number) => number | undefined): Metric {
  return {
    ...metric,
    points: ({ worker: { instances, nowMs } }) =>
      instances.flatMap((instance) => {
        const value = read(instance, nowMs);
        return value === undefined ? [] : [{ value, attributes: labels(instance.stage, instance.partition) }];
      }),
  };
}

function lanes(metric: Described, read: (lane: LaneMeasures) => number): Metric {
  const point = (lane: LaneMeasures) => ({ value: read(lane), attributes: { "tidemark.to": lane.to } });
  return { ...metric, points: ({ worker }) => worker.lanes.map(point) };
}

function one(metric: Described, read: (moment: Moment) => number | undefined): Metric {
  return {
    ...metric,
    points(moment) {
      const value = read(moment);
      return value === undefined ? [] : [{ value, attributes: {} }];
    },
  };
}

function labels(stage: string, partition: number): Attributes {
  return { "tidemark.stage": stage, "tidemark.partition": partition };
}

function counter(name: string, unit: string, description: string): Described {
  return { name, kind: "counter", unit, description };
}

function gauge(name: string, unit: string, description: string): Described {
  return { name, kind: "gauge", unit, description };
}

/** Every metric. */
export const metrics: readonly Metric[] = [
  work(counter("tidemark.records.in", "{record}", "Records read"), ({ recordsIn }) => recordsIn),
  work(counter("tidemark.records.out", "{record}", "Records said"), ({ recordsOut }) => recordsOut),
  work(counter("tidemark.records.late", "{record}", "Records behind the watermark"), ({ late }) => late),
  work(
    counter("tidemark.dead_letters", "{record}", "Records that could not be processed"),
    ({ deadLetters }) => deadLetters,
  ),
  work(counter("tidemark.windows.out", "{window}", "Windows fired"), ({ windowsOut }) => windowsOut),
  load(gauge("tidemark.watermark.lag", "s", "Wall clock less event time reached"), watermarkLag),
  load(gauge("tidemark.inbox.lag", "{message}", "Messages stored and not read"), ({ inbox }) => inbox?.lag),
  load(gauge("tidemark.inbox.size", "By", "Bytes the inbox holds"), ({ inbox }) => inbox?.bytes),
  load(
    gauge("tidemark.requests.pending", "{record}", "Records that wait for the result of a call"),
    ({ pendingRequests }) => pendingRequests,
  ),
  work(counter("tidemark.snapshots", "{snapshot}", "Snapshots taken"), ({ snapshots }) => snapshots),
  load(
    gauge("tidemark.snapshot.age", "s", "Time since the last snapshot, 0 while it covers all that has been read"),
    ({ uncoveredMs }) => uncoveredMs / perSecond,
  ),
  load(gauge("tidemark.snapshot.duration", "s", "Time the last snapshot took"), ({ snapshot }) =>
    snapshot.atMs === 0 ? undefined : snapshot.durationMs / perSecond,
  ),
  load(gauge("tidemark.snapshot.size", "By", "Bytes a restore of the last snapshot reads"), ({ snapshot }) =>
    snapshot.atMs === 0 ? undefined : snapshot.bytes,
  ),
  work(counter("tidemark.turns", "{turn}", "Turns taken"), ({ turns }) => turns),
  work(counter("tidemark.turn.time", "s", "Time spent in turns"), ({ turnMs }) => turnMs / perSecond),
  load(
    gauge("tidemark.turn.duration.p99", "s", "Time that 99 of 100 turns of the last 10 to 20 s did not exceed"),
    ({ turnP99Ms }) => turnP99Ms / perSecond,
  ),
  {
    ...gauge("tidemark.instances", "{instance}", "Instances hosted, by state"),
    points: ({ worker }) => byState(worker.instances),
  },
  lanes(counter("tidemark.lane.frames", "{frame}", "Frames sent, repetitions included"), ({ frames }) => frames),
  lanes(counter("tidemark.lane.resends", "{frame}", "Frames that had to be sent again"), ({ resends }) => resends),
  lanes(gauge("tidemark.lane.size", "By", "Bytes waiting or in flight"), ({ bytes }) => bytes),
  one(gauge("tidemark.leader", "1", "1 on the worker that leads, else 0"), ({ worker }) =>
    worker.leader === undefined ? 0 : 1,
  ),
  {
    ...gauge("tidemark.job.state", "1", "1 with the job's state as a label, on the leader"),
    points: ({ worker: { leader } }) =>
      leader === undefined ? [] : [{ value: 1, attributes: { "tidemark.state": leader.state } }],
  },
  one(
    gauge("tidemark.workers", "{worker}", "Workers alive, on the leader"),
    ({ worker }) => worker.leader?.workersAlive,
  ),
  {
    ...counter("tidemark.restarts", "{restart}", "Restarts and moves of instances by cause, on the leader"),
    points: ({ worker: { leader } }) =>
      [...(leader?.restarts ?? [])].map(([cause, value]) => ({ value, attributes: { "tidemark.cause": cause } })),
  },
  one(
    gauge(
      "tidemark.event_loop.delay.p99",
      "s",
      "Delay that 99 of 100 ticks of the event loop did not exceed, since the reading before",
    ),
    ({ loop }) => loop.p99Ms / perSecond,
  ),
  one(
    gauge("tidemark.event_loop.delay.max", "s", "Longest delay of the event loop, since the reading before"),
    ({ loop }) => loop.maxMs / perSecond,
  ),
];

function watermarkLag({ watermark }: InstanceMeasures, nowMs: number): number | undefined {
  return Number.isFinite(watermark) ? (nowMs - watermark) / perSecond : undefined;
}

function byState(instances: readonly InstanceMeasures[]): Point[] {
  const counts = new Map<string, number>();
  for (const { state } of instances) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, value]) => ({ value, attributes: { "tidemark.state": state } }));
}
