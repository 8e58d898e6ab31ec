/**
 * What the example programs share: where they run, and a wrong option is one line on stderr and exit code 2.
 */
import { fleet, type Home, nats, StreamError } from "tidemark";

/** Runs `program` with the arguments of this process; what it answers is the exit code. */
export async function fromCommandLine(program: (args: string[]) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await program(process.argv.slice(2));
  } catch (error) {
    if (!isUsage(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}

/** `--workers N`: that many processes, with a nats-server of their own unless `--nats URL` names one. `--nats URL`: one worker there. */
export function homeOf(flags: {
  readonly nats?: string | undefined;
  readonly workers?: string | undefined;
}): Home | undefined {
  const connection = flags.nats === undefined ? undefined : { servers: flags.nats };
  if (flags.workers !== undefined) return fleet({ workers: Number(flags.workers), nats: connection });
  return connection === undefined ? undefined : nats(connection);
}

/** `node:util`'s parseArgs and the options of sources, sinks and windows say what is wrong with an argument. */
function isUsage(error: unknown): error is Error {
  if (StreamError.is(error, "OPTION_INVALID")) return true;
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
