/**
 * Connections of sources and sinks: one per cluster and process, however many use it.
 *
 * Owns who uses which connection. The client reconnects by itself, for ever; what is asked for while it is away is the users' business.
 *
 * U1. Users of equal addresses share a connection; it is closed when the last of them has let go.
 * U2. A connection that could not be made is nobody's: the next one who asks tries again.
 */
import type { ClusterAddress } from "../log/ends.ts";
import type { Logger } from "../platform/platform.ts";
import { JetStreamApi } from "./api.ts";
import { connectLink } from "./connect.ts";
import type { Link } from "./link.ts";

/** One user's hold on a shared connection. */
export interface SharedLink {
  readonly link: Link;
  readonly api: JetStreamApi;
  /** Lets go. Harmless when repeated. */
  release(): Promise<void>;
}

interface Held {
  readonly link: Promise<Link>;
  users: number;
}

const held = new Map<string, Held>();

/** A hold on the connection to `cluster`. @throws as `connectNats`, within 5 s */
export async function shareLink(cluster: ClusterAddress, logger: Logger): Promise<SharedLink> {
  const key = JSON.stringify(cluster);
  const entry = held.get(key) ?? { link: connectLink({ ...cluster, logger }), users: 0 };
  held.set(key, entry);
  entry.users += 1;
  let isReleased = false;
  const release = async (): Promise<void> => {
    if (isReleased) return;
    isReleased = true;
    entry.users -= 1;
    if (entry.users > 0) return;
    if (held.get(key) === entry) held.delete(key);
    await entry.link.then((link) => link.close()).catch(() => undefined);
  };
  try {
    const link = await entry.link;
    return { link, api: new JetStreamApi(link), release };
  } catch (error) {
    await release();
    throw error;
  }
}
