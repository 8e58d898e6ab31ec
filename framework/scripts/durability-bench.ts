/**
 * What durability costs: `npm run bench -- durability [--seconds N]`.
 *
 * Appends to one log on a nats-server, or a cluster of three that keeps three copies, whose servers force to disk what they have acknowledged every two
 * minutes, every second, or before each acknowledgement. Small messages one after the other say what an acknowledgement takes; frames of 32 KiB, as many
 * under way as a lane has, what goes through. Ratios are to one server at one second, measured in the same run.
 */
import { type NatsCluster, startNatsCluster } from "../nats/cluster.ts";
import { connectNats } from "../nats/connect.ts";
import type { SyncInterval } from "../nats/server-config.ts";
import { type NatsServer, startNatsServer } from "../nats/server.ts";
import type { Log } from "../log/contracts.ts";

/** What one kind of server came to. */
interface DurabilityFigures {
  readonly replicas: number;
  readonly syncInterval: SyncInterval;
  readonly ackMsP50: number;
  readonly ackMsP99: number;
  readonly framesInFlight: number;
  readonly framesPerSecond: number;
  readonly mebibytesPerSecond: number;
}

/** The same, against one replica and one second. */
interface DurabilityRow extends DurabilityFigures {
  readonly ackRatio: number;
  readonly throughputRatio: number;
}

const intervals: readonly SyncInterval[] = ["1s", "2m", "always"];
const smallBytes = 1_024;
const frameBytes = 32 * 1_024;
const mebibyte = 1_048_576;
const logBytesMax = 1_024 * mebibyte;

/** Measures every combination, half of `seconds` for each of the two loads. */
export async function durability(seconds: number): Promise<readonly DurabilityRow[]> {
  const rows: DurabilityFigures[] = [];
  for (const replicas of [1, 3])
    for (const syncInterval of intervals)
      for (const framesInFlight of replicas === 1 ? [4, 16] : [16])
        rows.push(await measure({ replicas, syncInterval, framesInFlight }, (seconds * 1_000) / 2));
  const [usual] = rows;
  return rows.map((row) => ({
    ...row,
    ackRatio: rounded(row.ackMsP50 / (usual?.ackMsP50 ?? 1)),
    throughputRatio: rounded(row.framesPerSecond / (usual?.framesPerSecond ?? 1)),
  }));
}

type Setting = Pick<DurabilityFigures, "replicas" | "syncInterval" | "framesInFlight">;

async function measure(setting: Setting, forMs: number): Promise<DurabilityFigures> {
  const { replicas, syncInterval, framesInFlight } = setting;
  const running: NatsServer | NatsCluster =
    replicas === 1 ? await startNatsServer({ syncInterval }) : await startNatsCluster({ size: replicas, syncInterval });
  try {
    const servers = "urls" in running ? running.urls : running.url;
    const seams = await connectNats({ servers, replicas });
    const log = await seams.logs.create("TM_durability_1_LOG", { maxBytes: logBytesMax, full: "dropOldest" });
    const acks = await oneByOne(log, forMs);
    const framesPerSecond = await manyAtOnce(log, framesInFlight, forMs);
    await seams.close();
    return {
      ...setting,
      ackMsP50: rounded(acks[Math.floor(acks.length * 0.5)] ?? 0),
      ackMsP99: rounded(acks[Math.floor(acks.length * 0.99)] ?? 0),
      framesPerSecond: Math.round(framesPerSecond),
      mebibytesPerSecond: rounded((framesPerSecond * frameBytes) / mebibyte),
    };
  } finally {
    await running.stop();
  }
}

/** Times of acknowledgements, in order of size. */
async function oneByOne(log: Log, forMs: number): Promise<readonly number[]> {
  const times: number[] = [];
  const payload = new Uint8Array(smallBytes);
  for (const endMs = performance.now() + forMs; performance.now() < endMs;) {
    const startedMs = performance.now();
    await log.append(payload);
    times.push(performance.now() - startedMs);
  }
  return times.toSorted((a, b) => a - b);
}

/** Frames stored per second. */
function manyAtOnce(log: Log, framesInFlight: number, forMs: number): Promise<number> {
  const frame = new Uint8Array(frameBytes);
  const startedMs = performance.now();
  let stored = 0;
  return new Promise((resolve) => {
    const appender = log.appender(
      (tag, attempt, { kind }) => {
        if (kind === "stored") stored += 1;
        const tookMs = performance.now() - startedMs;
        if (tookMs < forMs) return appender.append(frame, tag, attempt);
        appender.close();
        resolve((1_000 * stored) / tookMs);
      },
      () => undefined,
    );
    for (let tag = 1; tag <= framesInFlight; tag += 1) appender.append(frame, tag, 1);
  });
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
