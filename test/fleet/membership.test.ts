/** What makes a process a worker of a fleet (M1). */
import { expect, test } from "vitest";
import { environmentOf, membershipOf, membershipVariable } from "../../framework/fleet/membership.ts";

const membership = { job: "plant", generation: 3, index: 1, workers: 4 };

test("a worker reads what its starter wrote, and nothing else of its environment has changed", () => {
  const environment = environmentOf(membership, { PATH: "/bin", TIDEMARK_NATS: "nats://one" });
  expect(membershipOf(environment, true)).toEqual(membership);
  expect(environment).toMatchObject({ PATH: "/bin", TIDEMARK_NATS: "nats://one" });
});

test("with the server that belongs to the fleet", () => {
  const server = { url: "nats://127.0.0.1:4222", processId: 12 };
  expect(membershipOf(environmentOf({ ...membership, server }, {}), true)).toEqual({ ...membership, server });
});

test("M1: without a channel to a starter the variable says nothing", () => {
  expect(membershipOf(environmentOf(membership, {}), false)).toBeUndefined();
  expect(membershipOf({}, true)).toBeUndefined();
});

test.each(["yes", "{}", "[]", '{"job":"plant","generation":1.5,"index":0,"workers":1}'])("%s is refused", (text) => {
  expect(() => membershipOf({ [membershipVariable]: text }, true)).toThrow(
    expect.objectContaining({
      code: "OPTION_INVALID",
      message: expect.stringContaining("TIDEMARK_FLEET is") as string,
    }),
  );
});
