/** A network that can be bad, between an echo and its client. */
import { once } from "node:events";
import { createServer, type Socket, connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type LinkProxy, openLinkProxy } from "../../../framework/scripts/chaos/link-proxy.ts";
import { until } from "../../support/until.ts";

interface Client {
  readonly socket: Socket;
  heard: string;
}

async function scene(): Promise<{ readonly link: LinkProxy; readonly dial: () => Promise<Client> }> {
  const echo = createServer((socket) => void socket.on("error", () => undefined).pipe(socket)).listen(0, "127.0.0.1");
  await once(echo, "listening");
  const address = echo.address();
  const link = await openLinkProxy(typeof address === "object" && address !== null ? address.port : 0);
  onTestFinished(async () => {
    await link.close();
    echo.close();
  });
  const dial = async () => {
    const socket = connect(link.port, "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    const client = { socket, heard: "" };
    socket.on("data", (piece) => (client.heard += piece.toString()));
    return client;
  };
  return { link, dial };
}

test("a clear link passes everything on", async () => {
  const { link, dial } = await scene();
  const client = await dial();
  client.socket.write("one");
  await until("the echo", () => client.heard === "one");
  expect(link.connections).toBe(1);
});

test("X1: a slow link passes everything on, later and in order", async () => {
  const { link, dial } = await scene();
  const client = await dial();
  link.slow(40, 40);
  const startedMs = performance.now();
  for (let n = 0; n < 50; n += 1) client.socket.write(`${n} `);
  const all = Array.from({ length: 50 }, (_, n) => `${n} `).join("");
  await until("the echo", () => client.heard === all);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(80);
});

test("what is said to a mute link arrives when it speaks again", async () => {
  const { link, dial } = await scene();
  const client = await dial();
  client.socket.write("before ");
  await until("the echo", () => client.heard === "before ");
  link.mute();
  client.socket.write("meanwhile ");
  const other = await dial();
  other.socket.write("new");
  await new Promise((resolve) => setImmediate(resolve));
  expect([client.heard, other.heard]).toEqual(["before ", ""]);
  link.clear();
  await until("the echo", () => client.heard === "before meanwhile " && other.heard === "new");
});

test("a cut link ends connections and refuses new ones, until it is clear", async () => {
  const { link, dial } = await scene();
  const client = await dial();
  link.cut();
  await once(client.socket, "close");
  const refused = await dial();
  await once(refused.socket, "close");
  expect(link.connections).toBe(0);
  link.clear();
  const again = await dial();
  again.socket.write("here");
  await until("the echo", () => again.heard === "here");
});

test("a torn link ends in the midst of a message", async () => {
  const { link, dial } = await scene();
  const client = await dial();
  client.socket.write("whole ");
  await until("the echo", () => client.heard === "whole ");
  link.tear();
  client.socket.write("0123456789");
  await once(client.socket, "close");
  expect(["whole ", "whole 01234", "whole 01"]).toContain(client.heard);
});
