/** Rounds over the inboxes: how often, one at a time, and what a failure does. */
import { expect, test } from "vitest";
import { InboxRounds, type InboxOwner } from "../../framework/actor/inbox-rounds.ts";
import { StreamError } from "../../framework/errors.ts";
import { Rig } from "./rig.ts";

function owners(count: number, look: (name: string) => Promise<void>): InboxOwner[] {
  return Array.from({ length: count }, (_, at) => ({ name: `sums/${at}`, lookAtInbox: () => look(`sums/${at}`) }));
}

test("a look per inbox and second, in turn", async () => {
  const rig = new Rig();
  const looks: string[] = [];
  const all = owners(3, (name) => Promise.resolve(void looks.push(name)));
  const rounds = new InboxRounds(rig.platform, () => all);
  void rounds.run();
  await rig.pass(999);
  expect(looks).toEqual(["sums/0", "sums/1", "sums/2"]);
  await rig.pass(1_000);
  expect(looks).toHaveLength(6);
  rounds.close();
});

test("many inboxes are looked at less often: a hundred looks per second at most", async () => {
  const rig = new Rig();
  let looks = 0;
  const all = owners(500, () => Promise.resolve(void (looks += 1)));
  const rounds = new InboxRounds(rig.platform, () => all);
  void rounds.run();
  await rig.pass(3_000);
  expect(looks).toBeGreaterThan(250);
  expect(looks).toBeLessThanOrEqual(301);
  rounds.close();
});

test("a server that does not answer is asked one question at a time, and one that refuses is asked on", async () => {
  const rig = new Rig();
  const { promise, reject } = Promise.withResolvers<void>();
  const looks: string[] = [];
  const all = owners(2, (name) => {
    looks.push(name);
    return name === "sums/0" ? promise : Promise.resolve();
  });
  const rounds = new InboxRounds(rig.platform, () => all);
  void rounds.run();
  await rig.pass(5_000);
  expect(looks).toEqual(["sums/0"]);
  reject(new StreamError("TIMEOUT", "no answer"));
  await rig.pass(5);
  expect(looks).toEqual(["sums/0", "sums/1"]);
  rounds.close();
});

test("after close nothing is looked at any more", async () => {
  const rig = new Rig();
  let looks = 0;
  const all = owners(200, () => Promise.resolve(void (looks += 1)));
  const rounds = new InboxRounds(rig.platform, () => all);
  const running = rounds.run();
  await rig.pass(25);
  rounds.close();
  const sofar = looks;
  await rig.pass(5_000);
  expect(looks).toBe(sofar);
  await running;
});
