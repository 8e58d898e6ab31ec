/**
 * Ports of this machine for servers that must be told one.
 *
 * N7. None is of the range that a system gives to connections that go out (from 32768 on Linux, from 49152 elsewhere): a server that is started again finds
 * its port as it left it, unless another server listens there.
 */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { StreamError } from "../errors.ts";

/** Both ends belong to it. */
export interface PortRange {
  readonly lowest: number;
  readonly highest: number;
}

const all: PortRange = { lowest: 15_000, highest: 32_767 };

/** Ports tried until all of a machine are held to be taken. */
const triesMax = 200;

/** So many ports of loopback that nobody listens at; all are held until the last one is known. @throws SERVER_UNREACHABLE when there are none */
export async function freePorts(count: number, { lowest, highest }: PortRange = all): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  try {
    for (let tries = 0; held.size < count; tries++) {
      const port = randomInt(lowest, highest + 1);
      const server = held.has(port) ? undefined : await listen(port);
      if (server !== undefined) held.set(port, server);
      if (tries > count * triesMax)
        throw new StreamError(
          "SERVER_UNREACHABLE",
          `no free port between ${lowest} and ${highest} in ${tries} tries: name one`,
        );
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map((server) => once(server.close(), "close")));
  }
}

/** Undefined when somebody else listens there. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}
