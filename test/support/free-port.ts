/** A port of this machine that nobody listens at. */
import { freePorts } from "../../framework/nats/free-ports.ts";

/** For servers that must be told one. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("no port");
  return port;
}
