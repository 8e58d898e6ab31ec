/** A connection that reaches a server, and through it nobody (L3). */
import type { NatsConnection } from "@nats-io/transport-node";
import { expect, onTestFinished, test } from "vitest";
import { Link } from "../../framework/nats/link.ts";

/** A link to the first of `servers`; how often it has been told to move on. */
function linkTo(servers: readonly string[], connectUrls: readonly string[] = []) {
  const ended = Promise.withResolvers<void>();
  const counted = { moves: 0 };
  const connection = {
    info: { connect_urls: connectUrls },
    status: () => ({
      [Symbol.asyncIterator]: () => ({ next: () => ended.promise.then(() => ({ done: true, value: undefined })) }),
    }),
    reconnect: () => {
      counted.moves += 1;
      return Promise.resolve();
    },
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(ended.resolve()),
  };
  const link = new Link(connection as unknown as NatsConnection, { servers });
  onTestFinished(() => link.close());
  return { link, counted };
}

test("L3: it moves on when nobody has been answered for four seconds, and then stays for ten", () => {
  const { link, counted } = linkTo(["a", "b"]);
  for (const nowMs of [0, 1_000, 3_999]) link.doubt(nowMs);
  expect(counted.moves).toBe(0);
  link.doubt(4_000);
  expect(counted.moves).toBe(1);
  for (const nowMs of [5_000, 9_500, 13_999]) link.doubt(nowMs);
  expect(counted.moves).toBe(1);
  link.doubt(14_000);
  expect(counted.moves).toBe(2);
});

test("L3: one answer in between, and it stays", () => {
  const { link, counted } = linkTo(["a", "b"]);
  link.doubt(0);
  link.trust();
  link.doubt(3_900);
  link.doubt(7_800);
  expect(counted.moves).toBe(0);
});

test("L3: there is no other server to go to, unless the server itself has named some", () => {
  for (const [named, moves] of [
    [[], 0],
    [["a", "b"], 1],
  ] as const) {
    const { link, counted } = linkTo(["a"], named);
    link.doubt(0);
    link.doubt(4_000);
    expect(counted.moves).toBe(moves);
  }
});
