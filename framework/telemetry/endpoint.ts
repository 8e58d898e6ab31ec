/**
 * The HTTP endpoint of a worker: `/metrics`, `/healthz`, `/readyz`.
 *
 * Owns the server and what it answers; speaks to nobody else, so `/healthz` answers as long as the event loop turns, whatever the server of the job does.
 *
 * H1. It does not keep the process alive, and `close` waits for no client.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf, StreamError } from "../errors.ts";
import type { ResolvedEndpoint } from "./options.ts";

/** What the endpoint shows. */
export interface Shown {
  /** Why the worker is not ready; empty when it is. */
  obstacles(): readonly string[];
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

/** An endpoint that listens. */
export interface Endpoint {
  /** Of `/metrics`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Begins to listen. @throws OPTION_INVALID when the address cannot be had */
export async function openEndpoint(where: ResolvedEndpoint, shown: Shown): Promise<Endpoint> {
  const server = createServer((request, response) => answer(shown, request, response)).unref();
  await listen(server, where);
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  return { url: `http://${host}:${port}/metrics`, close: () => close(server) };
}

function listen(server: Server, { port, host }: ResolvedEndpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(refusal(error, port, host)));
    server.listen(port, host, () => resolve());
  });
}

function refusal(error: NodeJS.ErrnoException, port: number, host: string): StreamError {
  const advice =
    error.code === "EADDRINUSE"
      ? "somebody listens there already: name another port for each process, or 0 for a free one"
      : `${messageOf(error)}: name an address of this machine and a port that may be used`;
  return new StreamError("OPTION_INVALID", `metrics cannot be served at ${host}:${port}: ${advice}`, { cause: error });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function answer(shown: Shown, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return say(response, 405, { error: "only GET and HEAD" });
  }
  switch (request.url?.split("?")[0]) {
    case "/metrics":
      return shown.scrape(request, response);
    case "/healthz":
      return say(response, 200, { healthy: true });
    case "/readyz": {
      const reasons = shown.obstacles();
      return say(response, reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
    }
    default:
      return say(response, 404, { error: "there are /metrics, /healthz and /readyz" });
  }
}

function say(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}
