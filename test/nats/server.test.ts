/**
 * A nats-server as a process: what its user waits for.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { binaryForTests, natsForTests } from "../support/nats.ts";

const binary = await binaryForTests();

describe.skipIf(binary === undefined)("a server that does not end when it is asked to", () => {
  test("is killed after a while, and started again on the same port and data", async () => {
    const nats = await natsForTests({ endMsMax: 200 }, onTestFinished);
    if (nats === undefined) throw new Error("no nats-server");
    const { server } = nats;
    const before = { processId: server.processId, port: server.port };
    // Whoever stands still hears nothing.
    await server.kill("SIGSTOP");
    await server.restart();
    expect(server.processId).not.toBe(before.processId);
    expect(server.port).toBe(before.port);
    const seams = await nats.connect();
    await expect(seams.capacity()).resolves.toBeDefined();
  });
});
