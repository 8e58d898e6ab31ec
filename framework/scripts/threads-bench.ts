/**
 * What threads gain: a map that keeps a core busy, in one worker process, without threads and with two: `npm run bench -- threads`.
 *
 * Prints records per second of each and their ratio. On a machine with two cores that do nothing else it is close to 2; the worker itself, its server and whatever
 * else runs take their part.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../cli/tidemark.mjs", import.meta.url));
const program = fileURLToPath(new URL("threads-job.ts", import.meta.url));
const records = 12_000;
const micros = 500;

interface Told {
  readonly rows: number;
  readonly ms: number;
  readonly onMain: number;
}

/** One run of the job. @throws when it does not come to its end */
async function runWith(count: number): Promise<{ readonly recordsPerSecond: number; readonly onMain: number }> {
  const args = [cli, "run", program, "--workers", "1", "--", String(count), String(records), String(micros)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const line = Buffer.concat(chunks).toString().trim().split("\n").at(-1) ?? "";
  if (code !== 0 || !line.startsWith("{")) throw new Error(`threads-job ended with ${code} and said ${line}`);
  const { rows, ms, onMain } = JSON.parse(line) as Told;
  return { recordsPerSecond: Math.round((rows / ms) * 1_000), onMain };
}

/** Compares none with two. */
export async function threads(): Promise<object> {
  const none = await runWith(0);
  const two = await runWith(2);
  return { bench: "threads", none, two, throughputRatioTwoToNone: two.recordsPerSecond / none.recordsPerSecond };
}
