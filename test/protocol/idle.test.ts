/** The specification of idleness: when an instance may say it, and the handshake to take it back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IdleGate, type IdleFacts } from "../../framework/protocol/idle.ts";

function facts(nowMs: number, more: Partial<IdleFacts> = {}): IdleFacts {
  return { isQuiet: true, isFullyAcknowledged: true, isBlocked: false, nowMs, ...more };
}

/** Observes the same facts from `fromMs` on, as often as the gate asks for, until it says idle or `untilMs`; answers when it did. */
function idleAt(gate: IdleGate, fromMs: number, untilMs: number, more: Partial<IdleFacts> = {}): number | undefined {
  let nowMs = fromMs;
  while (nowMs <= untilMs) {
    if (gate.observe(facts(nowMs, more))) return nowMs;
    nowMs += Math.max(1, gate.lookAgainAfterMs(nowMs) ?? Infinity);
  }
  return undefined;
}

/** A gate that has reported idle with n 3. */
function idleGate(): IdleGate {
  const gate = new IdleGate(0);
  gate.observe(facts(0));
  gate.reported(3, gate.isIdle);
  return gate;
}

describe("becoming idle", () => {
  test("R16: idle after the timeout of being quiet, fully acknowledged and not blocked; not before", () => {
    const gate = new IdleGate(1000);
    expect(idleAt(gate, 5000, 5999)).toBeUndefined();
    expect(gate.isIdle).toBe(false);
    expect(gate.observe(facts(6000))).toBe(true);
    expect(gate.isIdle).toBe(true);
  });

  test("R16: it says itself when to look again", () => {
    expect(idleAt(new IdleGate(1000), 5000, 9000)).toBe(6000);
    expect(new IdleGate(1000).lookAgainAfterMs(0)).toBeUndefined();
  });

  test("R16: a timeout of 0 is at once, Infinity never", () => {
    expect(new IdleGate(0).observe(facts(7))).toBe(true);
    const never = new IdleGate(Infinity);
    expect(idleAt(never, 0, 1e12)).toBeUndefined();
    expect(never.lookAgainAfterMs(5)).toBeUndefined();
  });

  test.each<Partial<IdleFacts>>([{ isQuiet: false }, { isFullyAcknowledged: false }, { isBlocked: true }])(
    "R16: not while %o, and the time before it does not count",
    (interruption) => {
      expect(new IdleGate(0).observe(facts(0, interruption))).toBe(false);
      const gate = new IdleGate(1000);
      idleAt(gate, 0, 900);
      expect(gate.observe(facts(900, interruption))).toBe(false);
      expect(gate.lookAgainAfterMs(900)).toBeUndefined();
      expect(idleAt(gate, 901, 5000)).toBe(1901);
    },
  );

  test("R16: a pause of the process does not count", () => {
    const gate = new IdleGate(1000);
    gate.observe(facts(0));
    expect(gate.observe(facts(60_000))).toBe(false);
    expect(idleAt(gate, 60_000, 70_000)).toBe(60_750);
  });

  test("R16: due once", () => {
    const gate = idleGate();
    expect(gate.observe(facts(1))).toBe(false);
    expect(gate.isIdle).toBe(true);
  });
});

describe("leaving idleness", () => {
  test("R16: before it has been reported it needs no handshake, and no report", () => {
    const gate = new IdleGate(0);
    gate.observe(facts(0));
    expect(gate.mayProceed).toBe(true);
    expect(gate.observe(facts(1, { isFullyAcknowledged: false }))).toBe(false);
    expect(gate).toMatchObject({ isIdle: false, mayProceed: true });
  });

  test("R16: nothing proceeds from an idle report on until an active one is answered", () => {
    const gate = idleGate();
    expect(gate.mayProceed).toBe(false);
    expect(gate.wantsToProceed()).toBe(true);
    expect(gate).toMatchObject({ isIdle: false, mayProceed: false });
    gate.reported(4, gate.isIdle);
    expect(gate.mayProceed).toBe(false);
    expect(gate.answered(4)).toBe(true);
    expect(gate.mayProceed).toBe(true);
  });

  test("R16: the answer to the idle report, or to one before it, opens nothing", () => {
    const gate = idleGate();
    gate.wantsToProceed();
    expect(gate.answered(3)).toBe(false);
    expect(gate.answered(2)).toBe(false);
    expect(gate.mayProceed).toBe(false);
  });

  test("R16: an answer that is overtaken by a later idle report opens nothing", () => {
    const gate = idleGate();
    gate.wantsToProceed();
    gate.reported(4, gate.isIdle);
    gate.observe(facts(1));
    gate.reported(5, gate.isIdle);
    expect(gate.answered(4)).toBe(false);
    expect(gate.mayProceed).toBe(false);
  });

  test("R16: the report is due once; an answer counts once", () => {
    const gate = idleGate();
    expect([gate.wantsToProceed(), gate.wantsToProceed()]).toEqual([true, false]);
    gate.reported(4, gate.isIdle);
    expect([gate.answered(4), gate.answered(4)]).toEqual([true, false]);
  });

  test("R16: input makes an idle instance say active, a lack of room does not: it has nothing to say", () => {
    expect(idleGate().observe(facts(1, { isBlocked: true }))).toBe(false);
    const gate = idleGate();
    expect(gate.observe(facts(1, { isQuiet: false }))).toBe(true);
    expect(gate).toMatchObject({ isIdle: false, mayProceed: false });
  });

  test("R16: an open gate has nothing to ask for", () => {
    expect(new IdleGate(0).wantsToProceed()).toBe(false);
  });

  test("R16: after its return the whole timeout counts again", () => {
    const gate = new IdleGate(1000);
    idleAt(gate, 0, 2000);
    gate.reported(1, gate.isIdle);
    gate.wantsToProceed();
    gate.reported(2, gate.isIdle);
    gate.answered(2);
    expect(idleAt(gate, 3000, 9000)).toBe(4000);
  });
});

test("R16: whatever happens, it proceeds only when the supervisor's last word from it is not idle", () => {
  const action = fc.oneof(
    fc.record({ isQuiet: fc.boolean(), isFullyAcknowledged: fc.boolean(), isBlocked: fc.boolean() }),
    fc.constantFrom("wants", "report", "hear", "answer"),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const gate = new IdleGate(0);
      const made: boolean[] = [];
      let heard = 0;
      let answered = 0;
      for (const [nowMs, one] of actions.entries()) {
        if (typeof one === "object") gate.observe({ ...one, nowMs });
        else if (one === "wants") gate.wantsToProceed();
        else if (one === "hear") heard = made.length;
        else if (one === "answer") {
          answered = heard;
          if (answered > 0) gate.answered(answered);
        } else gate.reported(made.push(gate.isIdle), gate.isIdle);
        const saidIdle = made.lastIndexOf(true) + 1;
        expect(gate.mayProceed).toBe(saidIdle === 0 || answered > saidIdle);
      }
    }),
  );
});
