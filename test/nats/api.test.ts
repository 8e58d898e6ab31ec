/** Calls of the JetStream API to somebody who answers late, or not yet. */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, describe, expect, test } from "vitest";
import { JetStreamApi } from "../../framework/nats/api.ts";
import { connectLink } from "../../framework/nats/connect.ts";
import { natsForTests } from "../support/nats.ts";
import { until } from "../support/until.ts";

const nats = await natsForTests();
const servers = nats?.server.url ?? "";
const answering = nats === undefined ? undefined : await connect({ servers });
const link = nats === undefined ? undefined : await connectLink({ servers });

afterAll(async () => {
  await link?.close();
  await answering?.close();
});

function parts(minMs: number): { readonly api: JetStreamApi; readonly other: NatsConnection } {
  if (link === undefined || answering === undefined) throw new Error("no nats-server");
  return { api: new JetStreamApi(link, { minMs, maxMs: 5_000 }), other: answering };
}

describe.skipIf(nats === undefined)("a call", () => {
  test("A1: that is answered late throws TIMEOUT; the next one waits long enough for such an answer", async () => {
    const { api, other } = parts(200);
    const answers: (() => void)[] = [];
    other.subscribe("slow", { callback: (_error, message) => void answers.push(() => message.respond("done")) });
    await other.flush();
    await expect(api.exchange("slow", new Uint8Array(0))).rejects.toMatchObject({ code: "TIMEOUT" });
    answers.shift()?.();
    await other.flush();
    await api.link.connection.flush();
    const lateMs = performance.now();
    const second = api.exchange("slow", new Uint8Array(0));
    await until(
      "it is there, and as late as the first",
      () => answers.length === 1 && performance.now() - lateMs > 250,
    );
    answers.shift()?.();
    await expect(second).resolves.toMatchObject({ subject: expect.any(String) as string });
  });

  test("A4: that only asks is asked again where nobody who leads may have heard it; what may change something is sent once", async () => {
    if (answering === undefined) throw new Error("no nats-server");
    const elsewhere = await connectLink({ servers, apiPrefix: "JS.deaf.API" });
    const heard: string[] = [];
    answering.subscribe("JS.deaf.API.>", {
      callback: (_error, message) => {
        heard.push(message.subject);
        if (heard.length === 2) message.respond('{"answered":2}');
      },
    });
    await answering.flush();
    const api = new JetStreamApi(elsewhere, { minMs: 1_200, maxMs: 5_000 }, true);
    await expect(api.ask("STREAM.INFO.a")).resolves.toEqual({ kind: "done", value: { answered: 2 } });
    await expect(api.ask("STREAM.PURGE.a")).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(heard).toEqual(["JS.deaf.API.STREAM.INFO.a", "JS.deaf.API.STREAM.INFO.a", "JS.deaf.API.STREAM.PURGE.a"]);
    await elsewhere.close();
  });

  test("A3: on a subject where nobody listens yet is repeated for a moment, and then UNAVAILABLE", async () => {
    const { api, other } = parts(2_000);
    const early = api.exchange("soon", new Uint8Array(0));
    other.subscribe("soon", { callback: (_error, message) => void message.respond("here") });
    expect((await early).string()).toBe("here");
    await expect(api.exchange("never", new Uint8Array(0))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
