/**
 * What has become of an update of the pointer (R6): each case by name, and a model of competitors over a register that loses replies.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideClaim } from "../../framework/protocol/claim.ts";
import {
  decideAfterUpdate,
  type UpdateDecision,
  type UpdateFacts,
  type UpdateReply,
} from "../../framework/protocol/pointer.ts";
import type { Pointer } from "../../framework/record/snapshot-record.ts";
import { Tape, tapes } from "./tape.ts";

function pointer(token: string, epoch: number): Pointer {
  return { token, epoch, identity: "1000", current: undefined, previous: undefined, skips: [] };
}

/** After an update of revision 5 to `mine`, by epoch 17. */
function decided(
  reply: UpdateReply,
  read: { token: string; epoch: number; revision: number } | undefined,
  baseRevision = 5,
): UpdateDecision {
  const found = read === undefined ? undefined : { value: pointer(read.token, read.epoch), revision: read.revision };
  return decideAfterUpdate({ reply, read: found, wanted: pointer("mine", 17), baseRevision, epoch: 17 });
}

const replies = ["conflict", "unknown"] as const;

describe("each case", () => {
  test("R6: a clear reply is enough", () => {
    expect(decided("written", undefined)).toBe("done");
  });

  for (const reply of replies) {
    test(`R6: after ${reply}, the own token says that it was written`, () => {
      expect(decided(reply, { token: "mine", epoch: 17, revision: 6 })).toBe("done");
      expect(decided(reply, { token: "mine", epoch: 17, revision: 1 }, 0)).toBe("done");
    });

    test(`R6: after ${reply}, a higher epoch fences, whatever the revision`, () => {
      for (const revision of [5, 6]) expect(decided(reply, { token: "other", epoch: 18, revision })).toBe("fenced");
    });

    test(`R6: after ${reply}, another revision of a lower or the own epoch means lost: the update can never happen`, () => {
      for (const epoch of [16, 17]) expect(decided(reply, { token: "other", epoch, revision: 6 })).toBe("lost");
      expect(decided(reply, { token: "other", epoch: 16, revision: 1 }, 0)).toBe("lost");
    });

    test(`R6: after ${reply}, the old revision is no proof: the update is repeated`, () => {
      expect(decided(reply, { token: "old", epoch: 16, revision: 5 })).toBe("repeat");
    });

    test(`R6: after ${reply}, what cannot be read is read again`, () => {
      expect(decided(reply, undefined)).toBe("read");
    });

    test(`R6: after ${reply}, a revision older than the base is a stale answer`, () => {
      expect(decided(reply, { token: "older", epoch: 15, revision: 4 })).toBe("read");
    });
  }

  test("R6: after unknown, a first value that is not there is written again; after a conflict something is there to be read", () => {
    expect(decided("unknown", undefined, 0)).toBe("repeat");
    expect(decided("conflict", undefined, 0)).toBe("read");
  });
});

type Held = NonNullable<UpdateFacts["read"]>;
type Decide = (facts: UpdateFacts) => UpdateDecision;

/** An update on its way. */
interface Request {
  readonly writer: Writer;
  readonly value: Pointer;
  readonly baseRevision: number;
  readonly attempt: number;
}

/** What a writer believes of each of its tokens. */
type Belief = "written" | "not written";

/** One incarnation: claims, then advances twice. */
class Writer {
  readonly name: string;
  readonly epoch: number;
  phase: "begin" | "waiting" | "replied" | "read" | "ended" = "begin";
  attempt = 0;
  own: Held | undefined;
  wanted: Pointer = pointer("", 0);
  baseRevision = 0;
  reply: UpdateReply = "unknown";
  writtenRevision = 0;
  found: Held | undefined;
  isFenced = false;
  moves = 0;
  tokens = 0;

  constructor(name: string, epoch: number) {
    this.name = name;
    this.epoch = epoch;
  }
}

const movesEach = 3;

/** A register, its competitors and the network between; answers what went wrong, or undefined. */
class World {
  readonly #tape: Tape;
  readonly #decide: Decide;
  readonly #writers = [new Writer("a", 1), new Writer("b", 2), new Writer("double", 2), new Writer("c", 3)];
  readonly #requests: Request[] = [];
  readonly #beliefs = new Map<string, Belief>();
  readonly #history: Held[] = [];
  #revision = 0;

  constructor(tape: Tape, decide: Decide) {
    this.#tape = tape;
    this.#decide = decide;
  }

  run(): string | undefined {
    while (!this.#tape.isOver) this.#act();
    // The faults stop; what is still on its way arrives, in any order with what is sent now.
    for (let round = 0; round < 200 && this.#writers.some(({ phase }) => phase !== "ended"); round += 1) {
      for (const writer of this.#writers) this.#step(writer, false);
      for (const request of this.#requests.splice(0)) this.#arrive(request, "answered");
    }
    return this.#verdict();
  }

  #act(): void {
    const writer = this.#writers[this.#tape.draw(this.#writers.length)];
    if (writer !== undefined && this.#tape.draw(2) === 0) return this.#step(writer, true);
    const request = this.#tape.takeFrom(this.#requests);
    if (request === undefined) return;
    const fate = this.#tape.draw(5);
    if (fate === 4) return;
    this.#arrive(request, fate < 2 ? "answered" : "unanswered");
    if (fate === 3) this.#requests.push(request);
  }

  #arrive({ writer, value, baseRevision, attempt }: Request, reply: "answered" | "unanswered"): void {
    const isWritten = (this.#history.at(-1)?.revision ?? 0) === baseRevision;
    if (isWritten) this.#history.push({ value, revision: (this.#revision += 1 + (this.#revision % 3)) });
    if (reply === "unanswered" || writer.phase !== "waiting" || writer.attempt !== attempt) return;
    writer.phase = "replied";
    writer.reply = isWritten ? "written" : "conflict";
    writer.writtenRevision = this.#revision;
  }

  #step(writer: Writer, isFaulty: boolean): void {
    switch (writer.phase) {
      case "begin":
        return this.#begin(writer);
      case "waiting":
        // The reply does not come in time: the request may be lost, late, or done.
        writer.reply = "unknown";
        writer.phase = "replied";
        return;
      case "replied":
        writer.found = isFaulty && this.#tape.draw(4) === 0 ? undefined : this.#history.at(-1);
        writer.phase = "read";
        return;
      case "read":
        return this.#conclude(writer);
      case "ended":
    }
  }

  #begin(writer: Writer): void {
    const token = `${writer.name}${(writer.tokens += 1)}`;
    if (writer.own === undefined) {
      const found = this.#history.at(-1);
      const claim = decideClaim({ pointer: found?.value, epoch: writer.epoch, identity: "1000", token, skips: [] });
      if (claim.kind !== "create" && claim.kind !== "update") return this.#fence(writer);
      writer.wanted = claim.value;
      writer.baseRevision = found?.revision ?? 0;
    } else {
      writer.wanted = { ...writer.own.value, token };
      writer.baseRevision = writer.own.revision;
    }
    this.#send(writer);
  }

  #send(writer: Writer): void {
    writer.attempt += 1;
    writer.phase = "waiting";
    const { wanted: value, baseRevision, attempt } = writer;
    this.#requests.push({ writer, value, baseRevision, attempt });
  }

  #conclude(writer: Writer): void {
    const { reply, found, wanted, baseRevision, epoch } = writer;
    switch (this.#decide({ reply, read: reply === "written" ? undefined : found, wanted, baseRevision, epoch })) {
      case "done":
        this.#beliefs.set(wanted.token, "written");
        writer.own = { value: wanted, revision: reply === "written" ? writer.writtenRevision : (found?.revision ?? 0) };
        writer.moves += 1;
        writer.phase = writer.moves === movesEach ? "ended" : "begin";
        return;
      case "lost":
        this.#beliefs.set(wanted.token, "not written");
        if (writer.own !== undefined) return this.#fence(writer);
        writer.phase = "begin";
        return;
      case "fenced":
        return this.#fence(writer);
      case "repeat":
        return this.#send(writer);
      case "read":
        writer.phase = "replied";
    }
  }

  #fence(writer: Writer): void {
    writer.isFenced = true;
    writer.phase = "ended";
  }

  #verdict(): string | undefined {
    const slow = this.#writers.find(({ phase }) => phase !== "ended");
    if (slow !== undefined) return `${slow.name} does not come to an end`;
    const written = this.#history.map(({ value }) => value.token);
    if (new Set(written).size !== written.length) return `a value was written twice: ${written.join()}`;
    for (const [token, belief] of this.#beliefs) {
      if ((belief === "written") !== written.includes(token))
        return `${token} is believed ${belief}, the register had ${written.join()}`;
    }
    for (const { value } of this.#history) {
      const owner = this.#writers.find(({ name }) => value.token.startsWith(name));
      if (!this.#beliefs.has(value.token) && owner?.isFenced !== true)
        return `${value.token} was written and its writer does not know`;
    }
    const epochs = this.#history.map(({ value }) => value.epoch);
    if (epochs.some((epoch, index) => epoch < (epochs[index - 1] ?? 0))) return `epochs go back: ${epochs.join()}`;
    const finished = this.#writers.filter(({ isFenced }) => !isFenced).map(({ epoch }) => epoch);
    return finished.includes(3) && new Set(finished).size === finished.length
      ? undefined
      : `finished: ${finished.join()}`;
  }
}

function holds(decide: Decide): fc.IPropertyWithHooks<[readonly number[]]> {
  return fc.property(tapes(160), (choices) => {
    expect(new World(new Tape(choices), decide).run()).toBeUndefined();
  });
}

describe("competitors over a register that loses, delays and doubles requests and loses replies", () => {
  test("R6: each revision has one winner, and nobody is wrong about having written or not", () => {
    fc.assert(holds(decideAfterUpdate), { numRuns: 500 });
  });

  const mutants: readonly (readonly [string, Decide])[] = [
    [
      "believing the reply: a conflict means not written",
      (facts) => (facts.reply === "conflict" ? "lost" : decideAfterUpdate(facts)),
    ],
    [
      "believing that no reply means not written",
      (facts) => (facts.reply === "unknown" ? "lost" : decideAfterUpdate(facts)),
    ],
    [
      "believing that no reply means written",
      (facts) => (facts.reply === "unknown" ? "done" : decideAfterUpdate(facts)),
    ],
    ["not looking for the own token", (facts) => decideAfterUpdate({ ...facts, wanted: pointer("none", 0) })],
    ["giving up at the old revision", (facts) => orElse(decideAfterUpdate(facts), "repeat", "lost")],
    ["taking the update for done at the old revision", (facts) => orElse(decideAfterUpdate(facts), "repeat", "done")],
    ["never repeating", (facts) => orElse(decideAfterUpdate(facts), "repeat", "read")],
  ];
  for (const [name, mutant] of mutants) {
    test(`the model finds the fault: ${name}`, () => {
      expect(fc.check(holds(mutant), { numRuns: 2_000, seed: 1, endOnFailure: true }).failed).toBe(true);
    });
  }
});

function orElse(decision: UpdateDecision, from: UpdateDecision, to: UpdateDecision): UpdateDecision {
  return decision === from ? to : decision;
}
