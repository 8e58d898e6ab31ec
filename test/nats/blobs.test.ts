/** A chunk whose first copy is still on its way, as in a cluster that is just parted: found by chaos (`partition-servers`). */
import { expect, test } from "vitest";
import { NatsBlobs } from "../../framework/nats/nats-blobs.ts";
import type { Streams } from "../../framework/nats/streams.ts";

const payload = Buffer.from("chunk");

/** A stream that refuses a second message of a subject, and holds `stored` of the first one. */
function streamHolding(stored: Uint8Array | undefined): Streams {
  const refused = (err_code: number, description: string) =>
    Promise.resolve({ kind: "refused", refusal: { code: 400, err_code, description } });
  const api = {
    subjectOf: (operation: string) => `$JS.API.${operation}`,
    publish: () => refused(10_071, "wrong last sequence: 5"),
    exchange: () =>
      Promise.resolve(stored === undefined ? { data: new Uint8Array(0), headers: { code: 404 } } : { data: stored }),
    ask: () => refused(10_037, "no message found"),
  };
  return { api } as unknown as Streams;
}

test("a chunk that is refused as a repetition and cannot be read yet is tried again, and is no damage", async () => {
  const put = new NatsBlobs(streamHolding(undefined), "TM_a_1_CHUNKS").put("a.1", payload);
  await expect(put).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringMatching(/is on its way/) });
});

test("one that is there with the same bytes has been stored; with others it is damage", async () => {
  await new NatsBlobs(streamHolding(payload), "TM_a_1_CHUNKS").put("a.1", payload);
  const put = new NatsBlobs(streamHolding(Buffer.from("other")), "TM_a_1_CHUNKS").put("a.1", payload);
  await expect(put).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringMatching(/other bytes \(5, not 5\)/),
  });
});
