/**
 * Live metrics of this machine: the average CPU of each window, and the maximum memory over a sliding one.
 *
 * node examples/host-monitor.ts [--average 2s] [--maximum 10s/2s] [--every 200ms] [--duration 20s] [--json] [--nats URL] [--workers N]
 */
import { parseArgs } from "node:util";
import {
  average,
  type Duration,
  type Job,
  job,
  max,
  print,
  run,
  sliding,
  StreamError,
  tumbling,
  type Windowed,
} from "tidemark";
import { hostMetrics } from "tidemark/connectors/host";
import { fromCommandLine, homeOf } from "./command-line.ts";

/** The job; `tidemark run` and `tidemark plan` take it from here. */
export default function hostMonitor(args: string[]): Job {
  const { averageSize, maximumSize, maximumSlide, every, format } = options(args);
  const monitor = job("host-monitor");
  const byHost = monitor.source("metrics", hostMetrics({ every })).keyBy((metrics) => metrics.host);

  byHost
    .window(tumbling(averageSize))
    .aggregate(average((metrics) => metrics.cpu))
    .to(print("average CPU", { format, text: lineOf("average CPU") }));

  byHost
    .window(sliding(maximumSize, maximumSlide))
    .aggregate(max((metrics) => metrics.memory))
    .to(print("maximum memory", { format, text: lineOf("maximum memory") }));

  return monitor;
}

/** A line of the live view: `14:05:02  average CPU      my-laptop   37.2 %`. */
function lineOf(label: string): (result: Windowed<string, number>) => string {
  return ({ key, window, value }) => {
    const time = new Date(window.end).toTimeString().slice(0, 8);
    return `${time}  ${label.padEnd(14)}  ${key}  ${value.toFixed(1).padStart(5)} %`;
  };
}

function options(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      average: { type: "string", default: "2s" },
      maximum: { type: "string", default: "10s/2s" },
      every: { type: "string", default: "200ms" },
      duration: { type: "string" },
      json: { type: "boolean", default: false },
      nats: { type: "string" },
      workers: { type: "string" },
    },
  });
  const [size, slide, ...rest] = values.maximum.split("/");
  if (size === undefined || slide === undefined || rest.length > 0) {
    throw new StreamError("OPTION_INVALID", `--maximum is "${values.maximum}"; it takes size/slide: --maximum 60m/1m`);
  }
  return {
    averageSize: values.average as Duration,
    maximumSize: size as Duration,
    maximumSlide: slide as Duration,
    every: values.every as Duration,
    duration: values.duration as Duration | undefined,
    format: values.json ? ("json" as const) : ("auto" as const),
    home: homeOf(values),
  };
}

if (import.meta.main) {
  await fromCommandLine((args) => {
    const { duration, format, home } = options(args);
    return run(hostMonitor(args), home, {
      duration,
      onEnd({ totals: { recordsIn, windowsOut, late, deadLetters, restarts } }) {
        const summary = { recordsIn, windowsOut, late, deadLetters, restarts };
        const isJson = format === "json" || !process.stdout.isTTY;
        const text = `${recordsIn} records in, ${windowsOut} windows out, ${late} late, ${deadLetters} dead letters, ${restarts} restarts`;
        console.log(isJson ? JSON.stringify({ summary }) : text);
      },
    });
  });
}
