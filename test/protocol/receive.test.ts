/**
 * What a receiver does with sections (R2, R11).
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { ChannelIn, decideReceive, verifyCheck } from "../../framework/protocol/receive.ts";

function channelAt(epoch: number, last: number): ChannelIn {
  const channel = new ChannelIn();
  channel.epoch = epoch;
  channel.last = last;
  return channel;
}

test("R2: a channel begins at epoch 0, before record 1", () => {
  expect(new ChannelIn()).toEqual({ epoch: 0, last: 0, check: 0 });
  expect(decideReceive(new ChannelIn(), { epoch: 1, first: 1, count: 3 })).toEqual({ kind: "accept", skip: 0 });
});

test("R2: a section of a lower epoch is dropped, whatever it holds", () => {
  for (const first of [1, 5, 6, 9])
    expect(decideReceive(channelAt(7, 5), { epoch: 6, first, count: 2 })).toEqual({ kind: "stale" });
});

test("R2: a section of the same or a higher epoch that follows is accepted whole", () => {
  for (const epoch of [7, 8])
    expect(decideReceive(channelAt(7, 5), { epoch, first: 6, count: 2 })).toEqual({ kind: "accept", skip: 0 });
});

test("R2: a gap of one record is a gap, in a higher epoch too", () => {
  for (const epoch of [7, 8])
    expect(decideReceive(channelAt(7, 5), { epoch, first: 7, count: 2 })).toEqual({ kind: "gap" });
});

test("R2: a section that ends at the last record is a duplicate, in a higher epoch too", () => {
  for (const epoch of [7, 8]) {
    expect(decideReceive(channelAt(7, 5), { epoch, first: 4, count: 2 })).toEqual({ kind: "duplicate" });
    expect(decideReceive(channelAt(7, 5), { epoch, first: 1, count: 1 })).toEqual({ kind: "duplicate" });
  }
});

test("R2: of a section that overlaps what is known, exactly the known records are skipped", () => {
  expect(decideReceive(channelAt(7, 5), { epoch: 7, first: 5, count: 2 })).toEqual({ kind: "accept", skip: 1 });
  expect(decideReceive(channelAt(7, 5), { epoch: 8, first: 1, count: 6 })).toEqual({ kind: "accept", skip: 5 });
});

test("R2: a section without records changes nothing", () => {
  expect(decideReceive(channelAt(7, 5), { epoch: 7, first: 6, count: 0 })).toEqual({ kind: "duplicate" });
});

test("R2: the decision leaves the channel alone; adopting is the caller's", () => {
  const channel = channelAt(7, 5);
  decideReceive(channel, { epoch: 9, first: 6, count: 1 });
  expect(channel).toEqual(channelAt(7, 5));
});

test("R2: whatever sections come, the accepted records are 1, 2, 3 … and of no epoch lower than one heard before", () => {
  const section = fc.record({
    epoch: fc.integer({ min: 1, max: 4 }),
    first: fc.integer({ min: 1, max: 12 }),
    count: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(section, { maxLength: 60 }), (sections) => {
      const channel = new ChannelIn();
      let highest = 0;
      const accepted: number[] = [];
      for (const said of sections) {
        const decision = decideReceive(channel, said);
        expect(decision.kind === "stale").toBe(said.epoch < highest);
        highest = Math.max(highest, said.epoch);
        if (decision.kind !== "stale") channel.epoch = highest;
        if (decision.kind !== "accept") continue;
        for (let i = decision.skip; i < said.count; i += 1) accepted.push(said.first + i);
        channel.last = said.first + said.count - 1;
      }
      expect(accepted).toEqual(accepted.map((_, index) => index + 1));
    }),
  );
});

test("R2: the usual answers allocate nothing", () => {
  const accept = decideReceive(channelAt(1, 0), { epoch: 1, first: 1, count: 2 });
  expect(decideReceive(channelAt(4, 8), { epoch: 4, first: 9, count: 1 })).toBe(accept);
  expect(Object.isFrozen(accept)).toBe(true);
});

test("R11: equal checks pass, different ones stop the job with both values named", () => {
  expect(() => verifyCheck(0xbeef, 0xbeef, "totals from 2 to 3, record 17")).not.toThrow();
  let error: unknown;
  try {
    verifyCheck(0xbeef, 0xcafe, "totals from 2 to 3, record 17");
  } catch (caught) {
    error = caught;
  }
  expect(StreamError.is(error, "DIVERGED")).toBe(true);
  expect(String(error)).toMatch(/totals from 2 to 3, record 17: .*0x0000beef.*0x0000cafe/);
});
