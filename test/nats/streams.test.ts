/** Streams of several copies, in a cluster that does not know all of its servers for now. */
import { connect } from "@nats-io/transport-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { JetStreamApi } from "../../framework/nats/api.ts";
import { startNatsCluster } from "../../framework/nats/cluster.ts";
import { connectLink } from "../../framework/nats/connect.ts";
import { chunkStream } from "../../framework/nats/stream-config.ts";
import { Streams } from "../../framework/nats/streams.ts";
import { type LinkProxy, openLinkProxy } from "../../framework/scripts/chaos/link-proxy.ts";
import { binaryForTests, natsForTests } from "../support/nats.ts";

const binary = await binaryForTests();
const unheard = "no suitable peers for placement, peer offline";

describe.skipIf(binary === undefined)("a stream", () => {
  test(
    "N8: is created though the ways between the servers of its cluster just broke",
    { timeout: 120_000 },
    async () => {
      const ways: LinkProxy[] = [];
      const between = async (_one: number, _other: number, port: number) => {
        const way = await openLinkProxy(port);
        ways.push(way);
        return way.port;
      };
      const cluster = await startNatsCluster({ binary, between });
      const link = await connectLink({ servers: cluster.urls });
      onTestFinished(async () => {
        await link.close();
        await cluster.stop();
        await Promise.all(ways.map((way) => way.close()));
      });
      const streams = new Streams(new JetStreamApi(link), 3);
      for (const way of ways) way.drop();
      // Whoever leads is elected anew perhaps, and says nothing meanwhile.
      const created = await untilAnswered(() => streams.create(chunkStream("TM_breaks")));
      expect(created.config.num_replicas).toBe(3);
    },
  );

  test("N8: is asked for until the cluster has heard from every server", async () => {
    const { streams, asked } = await refusing(unheard, 60_000, 3);
    await expect(streams.create(chunkStream("TM_later"))).resolves.toMatchObject({ config: { name: "TM_later" } });
    expect(asked()).toBe(4);
  });

  test("N8: of a cluster where a server stays away is refused after a while, with the server's reason and what to do", async () => {
    const { streams, asked } = await refusing(unheard, 600);
    await expect(streams.create(chunkStream("TM_away"))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/TM_away: .*peer offline \(JetStream 10005\): start the servers/) as string,
    });
    expect(asked()).toBeGreaterThan(2);
  });

  test("of a cluster that has too few servers, or too little room, is refused at once", async () => {
    const few = await refusing("no suitable peers for placement", 60_000);
    await expect(few.streams.create(chunkStream("TM_few"))).rejects.toMatchObject({
      code: "SERVER_UNSUITABLE",
      message: expect.stringMatching(/^3 replicas are asked for, and its cluster has fewer servers/) as string,
    });
    expect(few.asked()).toBe(1);
    const full = await refusing("no suitable peers for placement, insufficient storage", 60_000);
    await expect(full.streams.create(chunkStream("TM_full"))).rejects.toMatchObject({ code: "SERVER_FULL" });
    expect(full.asked()).toBe(1);
  });
});

async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask().catch((error: unknown) => {
      if (!StreamError.is(error, "TIMEOUT")) throw error;
    });
    if (answer !== undefined) return answer;
  }
}

/** Streams of somebody who has none, and refuses to create any, or only so many times. */
async function refusing(description: string, heardWithinMs: number, times = Infinity) {
  const nats = await natsForTests({}, onTestFinished);
  const servers = nats?.server.url ?? "";
  const answering = await connect({ servers });
  const link = await connectLink({ servers, apiPrefix: "JS.refusing.API" });
  onTestFinished(async () => {
    await link.close();
    await answering.close();
  });
  let creations = 0;
  answering.subscribe("JS.refusing.API.>", {
    callback: (_error, message) => {
      const isCreation = message.subject.includes(".CREATE.");
      if (isCreation) creations += 1;
      const error = isCreation
        ? { code: 400, err_code: 10005, description }
        : { code: 404, err_code: 10059, description: "stream not found" };
      message.respond(JSON.stringify(creations > times ? { config: message.json() } : { error }));
    },
  });
  await answering.flush();
  return { streams: new Streams(new JetStreamApi(link), 3, heardWithinMs), asked: () => creations };
}
