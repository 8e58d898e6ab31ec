/**
 * What the commands about jobs share: the cluster, who asks, and how something is printed.
 */
import { hostname, userInfo } from "node:os";
import type { Command } from "commander";
import type { Administrator } from "../administration/administrator.ts";
import { connectNats } from "../nats/connect.ts";
import { stderrLogger } from "../platform/logger.ts";
import { systemRandom } from "../platform/random.ts";
import { realClock } from "../platform/real-clock.ts";
import { type ConnectionFlags, clusterOf, withConnection } from "./connection-flags.ts";

/** Flags that every one of them has. */
export interface AdministrationFlags extends ConnectionFlags {
  readonly json?: boolean;
}

/** Adds a command about jobs, with what they all take. */
export function administrationCommand(program: Command, name: string, description: string): Command {
  return withConnection(program.command(name).description(description)).option("--json", "as JSON").exitOverride();
}

/** Connects, does `action`, and closes whatever came of it. */
export async function administrate<T>(
  flags: ConnectionFlags,
  action: (administrator: Administrator) => Promise<T>,
): Promise<T> {
  const logger = stderrLogger({ level: "error" });
  // Whatever number of copies the job keeps.
  const seams = await connectNats({ ...clusterOf(flags), replicas: undefined, logger });
  try {
    const by = `${userInfo().username}@${hostname()}`;
    return await action({ platform: { clock: realClock(), random: systemRandom(), logger }, seams, by });
  } finally {
    await seams.close();
  }
}

/** Prints `value` as JSON, or as `text` says it. Infinities are no JSON: they are strings. */
export function print<T>({ json }: AdministrationFlags, value: T, text: (value: T) => string): void {
  const asJson = () =>
    JSON.stringify(value, (_key, part: unknown) => (part === Infinity || part === -Infinity ? String(part) : part), 2);
  process.stdout.write(`${json === true ? asJson() : text(value)}\n`);
}
