/** R14: when calls are made, and what goes into the inbox. */
import { expect, test } from "vitest";
import { Calls } from "../../framework/actor/calls.ts";
import type { BatchContext, CallSpec, Request } from "../../framework/operator/calls.ts";
import { defaultCodec } from "../../framework/record/default-codec.ts";
import { decodeMessage } from "../../framework/record/frame.ts";
import type { CallResult } from "../../framework/record/messages.ts";
import { Rig } from "./rig.ts";

/** Calls that the test answers, and an inbox that stores when the test says so. */
class World {
  readonly rig = new Rig();
  readonly signals: AbortSignal[] = [];
  readonly asked: unknown[][] = [];
  readonly messages: (readonly CallResult[])[] = [];
  readonly failures: unknown[] = [];
  readonly stored: ((sequence: number) => void)[] = [];
  readonly calls = new Calls({
    platform: this.rig.platform,
    idempotencyKey: ({ sequence, ordinal }) => `key ${sequence}.${ordinal}`,
    append: (payload) => this.#append(payload),
    onFailed: (error) => this.failures.push(error),
  });
  answers: (values: readonly unknown[]) => unknown = (values) => values;

  spec(change: Partial<CallSpec> = {}): CallSpec {
    return {
      call: (values: readonly unknown[], { signal }: BatchContext) => {
        this.asked.push([...values]);
        this.signals.push(signal);
        return this.answers(values);
      },
      order: "ordered",
      batchMax: 1,
      capacity: 10,
      timeoutMs: 1_000,
      triesMax: 1,
      tryTimeoutMs: Infinity,
      backoffMs: 0,
      backoffMsMax: 0,
      resultBytesMax: 1_000_000,
      ...change,
    };
  }

  #append(payload: Uint8Array): Promise<number> {
    const message = decodeMessage(payload);
    if (message.kind === "results") this.messages.push(message.results);
    return new Promise((resolve) => this.stored.push(resolve));
  }
}

function request(sequence: number): Request {
  const value = defaultCodec.encode(sequence);
  return { sequence, ordinal: 1, operator: "ask", value, timestamp: undefined, key: undefined, result: undefined };
}

function open(spec: CallSpec, ...sequences: number[]): { readonly spec: CallSpec; readonly request: Request }[] {
  return sequences.map((sequence) => ({ spec, request: request(sequence) }));
}

test("C1: no call is made before the own epoch-start has been read, and none for what has its result by then", async () => {
  const world = new World();
  const requests = open(world.spec(), 1, 2);
  world.calls.turned(requests);
  expect(world.asked).toEqual([]);
  requests[0]!.request.result = { sequence: 1, ordinal: 1, value: new Uint8Array(), code: "", reason: "", stack: "" };
  world.calls.begin();
  world.calls.turned([]);
  expect(world.asked).toEqual([[2]]);
  await world.rig.clock.settle();
});

test("C3: results that come while one message is on its way go together in the next", async () => {
  const world = new World();
  world.calls.begin();
  const spec = world.spec();
  world.calls.turned(open(spec, 1));
  await world.rig.clock.settle();
  world.calls.turned(open(spec, 2, 3));
  await world.rig.clock.settle();
  expect(world.messages.map((results) => results.map(({ sequence }) => sequence))).toEqual([[1]]);
  world.stored[0]?.(7);
  await world.rig.clock.settle();
  expect(world.messages.map((results) => results.map(({ sequence }) => sequence))).toEqual([[1], [2, 3]]);
});

test("C3: a message of results has a bound, and each result goes though it is larger alone", async () => {
  const world = new World();
  world.calls.begin();
  world.answers = ([n]) => ["!".repeat(n === 2 ? 200_000 : 60_000)];
  world.calls.turned(open(world.spec(), 1));
  await world.rig.clock.settle();
  world.calls.turned(open(world.spec(), 2, 3, 4, 5));
  for (let stored = 0; stored < 4; stored += 1) {
    await world.rig.clock.settle();
    world.stored[stored]?.(stored);
  }
  await world.rig.clock.settle();
  expect(world.messages.map((results) => results.map(({ sequence }) => sequence))).toEqual([[1], [2], [3, 4], [5]]);
});

test("an inbox that takes nothing any more ends the instance", async () => {
  const world = new World();
  const gone = new Error("gone");
  const calls = new Calls({
    platform: world.rig.platform,
    idempotencyKey: () => "",
    append: () => Promise.reject(gone),
    onFailed: (error) => world.failures.push(error),
  });
  calls.begin();
  calls.turned(open(world.spec(), 1));
  await world.rig.clock.settle();
  expect(world.failures).toEqual([gone]);
});

test("a call that is out of time is aborted, and logged as failed", async () => {
  const world = new World();
  world.calls.begin();
  world.answers = () => new Promise(() => undefined);
  world.calls.turned(open(world.spec(), 1));
  await world.rig.pass(1_000);
  await world.rig.clock.settle();
  expect(world.signals[0]?.aborted).toBe(true);
  expect(world.messages[0]).toMatchObject([{ sequence: 1, code: "CALL_TIMED_OUT" }]);
});

test("after it is closed nothing is called, logged or tried again, and signals are aborted", async () => {
  const world = new World();
  world.calls.begin();
  const answers = Promise.withResolvers<unknown>();
  world.answers = () => answers.promise;
  const spec = world.spec({ capacity: 1, triesMax: 5 });
  world.calls.turned(open(spec, 1, 2));
  world.calls.close();
  answers.reject(new Error("too late"));
  world.calls.turned([]);
  await world.rig.clock.settle();
  expect(world.asked).toEqual([[1]]);
  expect(world.messages).toEqual([]);
  expect(world.signals[0]?.aborted).toBe(true);
});

test("after it is stopped nothing new is called for; what is in flight is logged", async () => {
  const world = new World();
  world.calls.begin();
  const spec = world.spec({ capacity: 1 });
  const requests = open(spec, 1, 2);
  world.calls.turned(requests);
  world.calls.stop();
  await world.rig.clock.settle();
  requests[0]!.request.result = world.messages[0]?.[0];
  world.calls.turned([]);
  await world.rig.clock.settle();
  expect(world.asked).toEqual([[1]]);
  expect(world.messages).toHaveLength(1);
});
