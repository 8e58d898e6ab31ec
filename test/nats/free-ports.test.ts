/**
 * Ports for servers that must be told one.
 */
import { once } from "node:events";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../../framework/nats/free-ports.ts";

test("N7: they are different, free, and below those that connections go out from", async () => {
  const ports = await freePorts(50);
  expect(new Set(ports).size).toBe(50);
  for (const port of ports) {
    expect(port).toBeLessThan(32_768);
    const server = createServer().listen(port, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
  }
});

test("there are none: that is said, not waited for", async () => {
  const [port = 0] = await freePorts(1);
  await expect(freePorts(2, { lowest: port, highest: port })).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
});
