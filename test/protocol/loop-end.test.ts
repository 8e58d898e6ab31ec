/** The end of a loop: against a model in which messages and reports travel as they like, nothing ends while anything is on its way. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lastInstant, LoopEnd, LoopRounds, programTime, type LoopReport } from "../../framework/protocol/loop-end.ts";
import type { LoopCount } from "../../framework/record/messages.ts";

const leader = 7;
const first = { stage: 1, partition: 0 };
const second = { stage: 2, partition: 0 };

function says(instance: typeof first, count: Partial<LoopCount>, over: Partial<LoopReport> = {}): LoopReport {
  const full = {
    leader,
    round: 1,
    sent: 0,
    taken: 0,
    isQuiet: true,
    isFull: false,
    hasTimers: false,
    outside: Infinity,
    ...count,
  };
  return { instance, epoch: 1, watermark: 0, count: full, ...over };
}

function both(end: LoopEnd, round: number, over: Partial<LoopReport> = {}): void {
  end.report(says(first, { round, sent: 3, taken: 2 }, over));
  end.report(says(second, { round, sent: 2, taken: 3 }, over));
}

describe("G4, G5: nothing is on its way", () => {
  test("when all are quiet, what was sent has been taken, and a second round says the same", () => {
    const rounds = new LoopRounds(leader);
    const end = new LoopEnd(rounds, [first, second]);
    both(end, 1);
    expect([end.step, rounds.newest]).toEqual(["going", 2]);
    both(end, 1);
    expect(end.step).toBe("going");
    both(end, 2);
    expect([end.step, rounds.newest]).toEqual(["fire", 3]);
  });

  test.each([
    ["one of them is not quiet", { isQuiet: false }],
    ["something comes from outside", { outside: 0 }],
    ["only a savepoint has come from outside", { outside: 12 }],
    ["a timer of processing time waits", { hasTimers: true }],
    ["something was sent that nobody has taken", { sent: 4 }],
    ["it has answered another leader", { leader: 6 }],
  ])("not while %s", (_why, count) => {
    const rounds = new LoopRounds(leader);
    const end = new LoopEnd(rounds, [first, second]);
    end.report(says(second, { sent: 2, taken: 3 }));
    for (let n = 0; n < 3; n += 1) end.report(says(first, { round: 9, sent: 3, taken: 2, ...count }));
    expect([end.step, rounds.newest]).toEqual(["going", 1]);
  });

  test("not when a number has changed between the rounds: then a third one follows", () => {
    const rounds = new LoopRounds(leader);
    const end = new LoopEnd(rounds, [first, second]);
    both(end, 1);
    end.report(says(first, { round: 2, sent: 4, taken: 3 }));
    end.report(says(second, { round: 2, sent: 3, taken: 4 }));
    expect([end.step, rounds.newest]).toEqual(["going", 3]);
  });

  test("not by what an incarnation said that has been assigned anew since", () => {
    const rounds = new LoopRounds(leader);
    const end = new LoopEnd(rounds, [first, second]);
    both(end, 1);
    end.forget(first);
    end.report(says(second, { round: 2, sent: 2, taken: 3 }));
    expect(end.step).toBe("going");
    both(end, 2);
    expect(end.step).toBe("going");
    both(end, 3);
    expect(end.step).toBe("fire");
  });

  test("each round of a leader is of one loop alone: what has answered the one is no answer to the other", () => {
    const rounds = new LoopRounds(leader);
    const one = new LoopEnd(rounds, [first]);
    const other = new LoopEnd(rounds, [second]);
    one.report(says(first, { round: 2 }));
    other.report(says(second, { round: 2 }));
    other.report(says(second, { round: 3 }));
    expect([one.step, other.step, rounds.newest]).toEqual(["going", "going", 4]);
  });
});

describe("G6: the end comes in two steps", () => {
  test("it is over when everything has fired, and nothing of that is on its way", () => {
    const rounds = new LoopRounds(leader);
    const end = new LoopEnd(rounds, [first, second]);
    for (const round of [1, 2, 3, 4, 5]) both(end, round);
    expect(end.step).toBe("fire");
    for (const round of [6, 7]) both(end, round, { watermark: lastInstant });
    expect(end.step).toBe("end");
  });

  test("operators of a loop see the last instant as the end of the input, others as a time like any other", () => {
    expect(programTime({ loop: 0 }, lastInstant)).toBe(Infinity);
    expect(programTime({ loop: 0 }, 5)).toBe(5);
    expect(programTime({}, lastInstant)).toBe(lastInstant);
  });
});

describe("R17: a savepoint", () => {
  const drained = (end: LoopEnd, round: number, count: Partial<LoopCount> = {}) => {
    end.report(says(first, { round, sent: 3, taken: 2, outside: 12, hasTimers: true, ...count }), 12);
    end.report(says(second, { round, sent: 2, taken: 3, outside: Infinity, ...count }), 12);
  };

  test("comes to a loop that is empty, in two rounds; timers are part of it, and of the end it says nothing", () => {
    const end = new LoopEnd(new LoopRounds(leader), [first, second]);
    drained(end, 1);
    expect(end.drained).toBe(0);
    drained(end, 2);
    expect([end.drained, end.step]).toEqual([12, "going"]);
    drained(end, 9);
    drained(end, 10);
    expect([end.drained, end.step]).toEqual([12, "going"]);
  });

  test("not while something comes from outside before it, or is on its way", () => {
    const end = new LoopEnd(new LoopRounds(leader), [first, second]);
    for (const count of [{ outside: 11 }, { isQuiet: false }, { sent: 9 }])
      for (const round of [1, 2, 3]) drained(end, round, count);
    expect(end.drained).toBe(0);
  });

  test("what was said for the end is said anew for a savepoint, and the other way round", () => {
    const end = new LoopEnd(new LoopRounds(leader), [first, second]);
    both(end, 1);
    drained(end, 2);
    expect(end.drained).toBe(0);
    drained(end, 3);
    expect(end.drained).toBe(12);
    both(end, 4);
    expect(end.step).toBe("going");
    both(end, 5);
    expect(end.step).toBe("fire");
  });
});

/** A ring of instances that pass records on, each with an inbox that is read when the schedule says so, and reports that are late. */
class Ring {
  readonly inboxes: number[][];
  readonly sent: number[];
  readonly taken: number[];
  readonly heard: number[];
  readonly late: LoopReport[] = [];

  constructor(size: number, records: readonly number[]) {
    this.inboxes = Array.from({ length: size }, () => []);
    this.sent = this.inboxes.map(() => 0);
    this.taken = this.inboxes.map(() => 0);
    this.heard = this.inboxes.map(() => 0);
    for (const [at, left] of records.entries()) this.#send(at % size, left);
  }

  get isStill(): boolean {
    return this.inboxes.every((inbox) => inbox.length === 0);
  }

  read(at: number): void {
    const left = this.inboxes[at]?.shift();
    if (left === undefined) return;
    this.taken[at]! += 1;
    if (left > 0) this.#send(at, left - 1);
  }

  report(at: number): void {
    const count = { round: this.heard[at]!, sent: this.sent[at]!, taken: this.taken[at]! };
    const isQuiet = this.inboxes[at]!.length === 0;
    this.late.push(says({ stage: at, partition: 0 }, { ...count, isQuiet }, { watermark: lastInstant }));
  }

  #send(at: number, left: number): void {
    this.sent[at]! += 1;
    this.inboxes[(at + 1) % this.inboxes.length]!.push(left);
  }
}

test("G5: whatever the order of turns, reports and rounds, no step is taken while a record is on its way; and the end comes", () => {
  const action = fc.record({ at: fc.nat(3), what: fc.constantFrom("read", "report", "hear", "arrive") });
  fc.assert(
    fc.property(fc.array(fc.nat(4), { maxLength: 6 }), fc.array(action, { maxLength: 200 }), (records, actions) => {
      const ring = new Ring(4, records);
      const rounds = new LoopRounds(leader);
      const end = new LoopEnd(
        rounds,
        ring.inboxes.map((_inbox, stage) => ({ stage, partition: 0 })),
      );
      const arrive = () => {
        const report = ring.late.shift();
        const before = end.step;
        if (report !== undefined) end.report(report);
        expect(end.step === before || ring.isStill, "nothing is on its way").toBe(true);
      };
      for (const { at, what } of actions) {
        if (what === "read") ring.read(at);
        else if (what === "report") ring.report(at);
        else if (what === "hear") ring.heard[at] = rounds.newest;
        else arrive();
      }
      for (let n = 0; n < 100; n += 1) {
        for (const at of [0, 1, 2, 3]) {
          ring.read(at);
          ring.heard[at] = rounds.newest;
          ring.report(at);
        }
        while (ring.late.length > 0) arrive();
      }
      expect(end.step).toBe("end");
    }),
    { numRuns: 1_000 },
  );
});
