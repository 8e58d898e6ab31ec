/**
 * The configuration that a nats-server of ours is started with: the project's own, and what is asked for otherwise.
 *
 * Owns what may be changed of it, and how. The file that comes with the project is never written: the changed one lies in the server's directory.
 */
import { existsSync, promises as files } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { invariant, StreamError } from "../errors.ts";
import { type Duration, parseDuration } from "../time/duration.ts";

/** How often acknowledged messages are forced to disk: so often, or before each acknowledgement. */
export type SyncInterval = Duration | "always";

const syncLine = /^( *sync_interval: )"[^"]*"$/m;
const syncMsMin = 10;

/** The configuration that comes with the project: beside the sources, or in the published package. */
export function projectConfig(): string {
  const places = ["../../nats.conf", "../nats.conf"].map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new StreamError("PATH_UNUSABLE", `nats.conf is not at ${places.join(" or ")}`);
  return found;
}

/** As the server takes it. @throws OPTION_INVALID with the value and where it stands */
export function syncText(sync: SyncInterval, what = "syncInterval"): string {
  if (sync === "always") return sync;
  try {
    return `${parseDuration(sync, what, { minMs: syncMsMin })}ms`;
  } catch (error) {
    const shown = typeof sync === "string" ? JSON.stringify(sync) : String(sync);
    const takes = `"always", or a duration from ${syncMsMin} ms on, like "1s"`;
    throw new StreamError("OPTION_INVALID", `${what} is ${shown}; it takes ${takes}`, { cause: error });
  }
}

/** Writes the project's configuration with another interval into `directory`; answers its path. @throws OPTION_INVALID */
export async function configWithSync(sync: SyncInterval, directory: string): Promise<string> {
  const text = await files.readFile(projectConfig(), "utf8");
  invariant(syncLine.test(text), "nats.conf has a line sync_interval");
  const path = join(directory, "nats.conf");
  await files.writeFile(path, text.replace(syncLine, `$1"${syncText(sync)}"`));
  return path;
}
