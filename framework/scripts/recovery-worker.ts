/**
 * A worker process of `npm run recovery`, `npm run soak` and `npm run chaos`: started by them, never by people.
 *
 * Owns the job that is measured and the sink that hands results to the measuring process. The sink is idempotent: a row has been written when the
 * channel has taken it, and the measuring process drops rows by their number. Under chaos results go to a stream instead, where whoever judges them
 * reads.
 */
import { nats, type SinkRow, type SinkSpec } from "../index.ts";
import type { Logger, LogLevel } from "../platform/platform.ts";
import { realClock } from "../platform/real-clock.ts";
import { systemRandom } from "../platform/random.ts";
import { runToTheEnd, startAt, type StartOptions } from "../run.ts";
import type { LoadWorld } from "./recovery/load.ts";
import { measuredJob, published, type Result } from "./recovery/measured-job.ts";
import { type Command, crashReason, type ResultRow, type Said, type WorkerOrder } from "./recovery/messages.ts";

const order = JSON.parse(process.argv[2] ?? "{}") as WorkerOrder;
// Taken before the guard of turns replaces them.
const monotonicMs = performance.now.bind(performance);
const load: LoadWorld = {
  endMs: order.endMs ?? Infinity,
  wallMs: () => performance.timeOrigin + monotonicMs(),
  onPassed: (split, endMs, atMs) => void say({ kind: "passed", split, endMs, atMs }),
};
const crashing = new Set<string>();

function say(said: Said): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(said, undefined, undefined, () => resolve());
  });
}

function asRow({ number, value }: SinkRow): ResultRow {
  const { key, window, value: of } = value as Result;
  return [number, key, window.start, of.n, of.weight];
}

const results: SinkSpec<Result> = {
  description: "results",
  name: "results",
  guarantee: "idempotent",
  placement: "chained",
  open: ({ partition }) =>
    Promise.resolve({
      write: async (rows) => {
        const atMs = load.wallMs();
        await say({ kind: "rows", partition, atMs, rows: rows.map(asRow) });
        return [];
      },
      close: () => Promise.resolve(),
    }),
};

/** Lines from level `info` on go to the measuring process, and the others when it has asked for them. */
function channelLogger(known: Readonly<Record<string, unknown>> = {}): Logger {
  return {
    log(level: LogLevel, message, fields) {
      if (level !== "debug" || order.isVerbose === true)
        void say({ kind: "line", atMs: load.wallMs(), message, fields: { level, ...known, ...fields } });
    },
    child: (fields) => channelLogger({ ...known, ...fields }),
  };
}

/** What is held: garbage is collected first, or its amount would be taken for a trend. */
function usage(): void {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().length;
  void say({ kind: "usage", usage: { rssBytes: rss, heapBytes: heapUsed, handles } });
}

async function join(): Promise<void> {
  const sink = order.results === undefined ? results : published(order.results);
  const home = nats({ servers: order.servers, replicas: order.replicas });
  const options: StartOptions = {
    ownsProcess: true,
    successor: order.successor,
    from: order.from,
    platform: { clock: realClock(), random: systemRandom(), logger: channelLogger() },
    probe: {
      beforeTurn: (stage, partition) => {
        if (crashing.size > 0 && crashing.delete(`${stage}/${partition}`)) throw new Error(crashReason);
      },
    },
  };
  const work = measuredJob(order, load, sink);
  process.exitCode = await runToTheEnd(home, (where, onMade) => startAt(work, where, options, onMade));
  process.disconnect();
}

process.on("message", (command: Command) => {
  if (command.kind === "crash") crashing.add(command.instance);
  else if (command.kind === "end") load.endMs = command.atMs;
  else if (command.kind === "usage") usage();
  else void join();
});
// The measuring process has gone: nobody needs this one.
process.on("disconnect", () => process.exit());
void say({ kind: "ready" });
