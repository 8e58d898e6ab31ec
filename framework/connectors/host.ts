/**
 * Metrics of the machine that a worker runs on, as a push source.
 *
 * Owns the sampling: the share of time that each core was busy since the sample before. What is measured cannot be read again, so it goes through an
 * ingress log like everything that is pushed.
 */
import { type CpuInfo, cpus, freemem, hostname, totalmem } from "node:os";
import type { ProducerContext, SourceSpec, Split } from "../log/source.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { type Duration, parseDuration } from "../time/duration.ts";

/** One measurement of a host. */
export interface HostMetrics {
  /** When it was taken, ms since the epoch; never less than the one before. */
  readonly at: number;
  /** The host's name. */
  readonly host: string;
  /** Share of time that all cores together were busy since the measurement before, percent. */
  readonly cpu: number;
  /** Share of memory in use, percent. */
  readonly memory: number;
  /** As `cpu`, for each core. */
  readonly cores: readonly number[];
}

/** Options of {@link hostMetrics}. */
export interface HostMetricsOptions {
  /**
   * Time between two measurements; the counters of most systems move every 10 ms, so less says nothing.
   * @default "1s"
   */
  readonly every?: Duration | undefined;
}

/**
 * CPU and memory of the host, measured again and again: one split per host, with its own event time.
 *
 * @example
 * const metrics = job("host-monitor").source("metrics", hostMetrics({ every: "200ms" }));
 * @throws OPTION_INVALID when `every` is less than 10 ms
 */
export function hostMetrics(options: HostMetricsOptions = {}): SourceSpec<HostMetrics> {
  return hostMetricsOf(thisHost, options);
}

/** What is read from a host: the counters, not yet their differences. */
export interface HostReading {
  readonly cores: readonly Pick<CpuInfo, "times">[];
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** A host that can be measured. */
export interface Host {
  readonly name: string;
  read(): HostReading;
}

const thisHost: Host = {
  name: hostname(),
  read: () => ({ cores: cpus(), freeBytes: freemem(), totalBytes: totalmem() }),
};

const everyMsMin = 10;

/** As {@link hostMetrics}, of any host. */
export function hostMetricsOf(host: Host, { every = "1s" }: HostMetricsOptions): SourceSpec<HostMetrics> {
  const everyMs = parseDuration(every, "every", { minMs: everyMsMin });
  return {
    description: `hostMetrics(every ${every})`,
    timestamps: { of: (metrics) => metrics.at, outOfOrdernessMs: 0 },
    reader: {
      kind: "push",
      codec: defaultCodec,
      splits: () => Promise.resolve([{ name: host.name, identity: host.name }]),
      produce: (split, context) => produce(host, split, everyMs, context),
    },
  };
}

/** Measures until it is stopped. A measurement waits until the one before is stored; those missed meanwhile are left out. */
function produce(host: Host, split: Split, everyMs: number, context: ProducerContext): () => void {
  const sampler = new Sampler(host, split.name);
  let cancelWake = context.schedule(everyMs, measure);
  let isStopped = false;

  function measure(): void {
    const dueAt = context.now() + everyMs;
    context.append(sampler.sample(context.now())).then(
      () => {
        if (!isStopped) cancelWake = context.schedule(Math.min(everyMs, Math.max(0, dueAt - context.now())), measure);
      },
      (error: unknown) => {
        if (!isStopped) context.failed(error);
      },
    );
  }

  return () => {
    isStopped = true;
    cancelWake();
  };
}

interface CoreTimes {
  readonly busy: number;
  readonly total: number;
}

/** Makes measurements of readings, by their difference to the reading before. */
class Sampler {
  readonly #host: Host;
  readonly #name: string;
  #before: readonly CoreTimes[];
  #last: Pick<HostMetrics, "at" | "cpu" | "cores">;

  constructor(host: Host, name: string) {
    this.#host = host;
    this.#name = name;
    this.#before = host.read().cores.map(timesOf);
    this.#last = { at: -Infinity, cpu: 0, cores: this.#before.map(() => 0) };
  }

  sample(now: number): HostMetrics {
    const { cores, freeBytes, totalBytes } = this.#host.read();
    const times = cores.map(timesOf);
    const { at, cpu, cores: shares } = this.#last;
    this.#last = {
      at: Math.max(at, now),
      cpu: shareOf(sumOf(this.#before), sumOf(times)) ?? cpu,
      cores: times.map((core, index) => shareOf(this.#before[index], core) ?? shares[index] ?? 0),
    };
    this.#before = times;
    const memory = percent(totalBytes - freeBytes, totalBytes);
    return { at: this.#last.at, host: this.#name, cpu: this.#last.cpu, memory, cores: this.#last.cores };
  }
}

function timesOf({ times }: Pick<CpuInfo, "times">): CoreTimes {
  const total = times.user + times.nice + times.sys + times.idle + times.irq;
  return { busy: total - times.idle, total };
}

function sumOf(cores: readonly CoreTimes[]): CoreTimes {
  return cores.reduce((sum, { busy, total }) => ({ busy: sum.busy + busy, total: sum.total + total }), {
    busy: 0,
    total: 0,
  });
}

/** Busy share between two readings; undefined when the counters have not moved, or have gone back (a core that was switched off and on). */
function shareOf(before: CoreTimes | undefined, now: CoreTimes): number | undefined {
  if (before === undefined || now.total <= before.total || now.busy < before.busy) return undefined;
  return percent(now.busy - before.busy, now.total - before.total);
}

/** To a hundredth, at most 100. */
function percent(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, Math.max(0, Math.round((part / whole) * 10_000) / 100)) : 0;
}
