/**
 * One channel from end to end: incarnations of a sender, each with its lane, a log that loses, delays, doubles, reorders and refuses, and a receiver.
 *
 * R2 and R3 together: every record is accepted once and in order, what is acknowledged has been accepted, and everything arrives once faults stop.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LaneWindow, type FrameResult, type LaneAction } from "../../framework/protocol/lane.ts";
import {
  ChannelIn,
  decideReceive,
  type ReceiveDecision,
  type Received,
  type SectionRange,
} from "../../framework/protocol/receive.ts";
import { Tape, tapes } from "../protocol/tape.ts";

/** The rules under test; a mutant replaces one. */
interface Rules {
  receive(channel: Received, section: SectionRange): ReceiveDecision;
  readonly isEpochAdopted: boolean;
  /** The sequence by which a lane judges an ack. */
  judgedBy(sequence: number, tag: number): number;
}

const rules: Rules = { receive: decideReceive, isEpochAdopted: true, judgedBy: (sequence) => sequence };

const recordsMax = 12;

interface Message {
  readonly sender: Sender;
  readonly section: SectionRange;
  readonly tag: number;
  readonly attempt: number;
}

interface Reply {
  readonly sender: Sender;
  readonly tag: number;
  readonly attempt: number;
  readonly result: FrameResult;
}

/** One incarnation and its lane. It may be dead and not know it. */
class Sender {
  readonly epoch: number;
  readonly window = new LaneWindow({ framesMax: 4, bytesMax: 60 });
  /** From the oldest unacknowledged frame on. */
  readonly frames: SectionRange[] = [];
  inFlight = 0;
  said: number;
  acknowledged: number;

  constructor(epoch: number, snapshot: number) {
    this.epoch = epoch;
    this.said = snapshot;
    this.acknowledged = snapshot;
  }

  next(tape: Tape): SectionRange | undefined {
    if (this.inFlight === this.frames.length && this.said < recordsMax) {
      const count = Math.min(1 + tape.draw(3), recordsMax - this.said);
      this.frames.push({ epoch: this.epoch, first: this.said + 1, count });
      this.said += count;
    }
    return this.frames[this.inFlight];
  }

  act({ acknowledged, resend }: LaneAction): void {
    for (const { count } of this.frames.splice(0, acknowledged)) this.acknowledged += count;
    this.inFlight = resend ? 0 : Math.max(0, this.inFlight - acknowledged);
  }
}

/** The receiving end, reading the log as it grows. */
class Receiver {
  readonly #rules: Rules;
  readonly channel = new ChannelIn();
  readonly accepted: number[] = [];
  /** Of the records accepted. */
  readonly epochs: number[] = [];
  highestHeard = 0;
  violation: string | undefined;

  constructor(underTest: Rules) {
    this.#rules = underTest;
  }

  read(section: SectionRange): void {
    const decision = this.#rules.receive(this.channel, section);
    if (decision.kind !== "stale" && this.#rules.isEpochAdopted)
      this.channel.epoch = Math.max(this.channel.epoch, section.epoch);
    this.highestHeard = Math.max(this.highestHeard, section.epoch);
    if (decision.kind !== "accept") return;
    if (section.epoch < this.highestHeard)
      this.violation ??= `records of epoch ${section.epoch} after epoch ${this.highestHeard} was heard`;
    for (let i = decision.skip; i < section.count; i += 1) this.#accept(section.first + i);
    this.channel.last = section.first + section.count - 1;
  }

  #accept(number: number): void {
    const expected = this.accepted.length + 1;
    if (number !== expected) this.violation ??= `record ${number} accepted, ${expected} expected`;
    this.accepted.push(number);
  }
}

/** The whole of it; answers what went wrong, or undefined. */
class World {
  readonly #tape: Tape;
  readonly #rules: Rules;
  readonly #receiver: Receiver;
  readonly #senders = [new Sender(1, 0)];
  readonly #transit: Message[] = [];
  readonly #replies: Reply[] = [];
  #sequence = 0;
  #nowMs = 0;
  #snapshot = 0;

  constructor(tape: Tape, underTest: Rules) {
    this.#tape = tape;
    this.#rules = underTest;
    this.#receiver = new Receiver(underTest);
  }

  run(): string | undefined {
    while (!this.#tape.isOver) this.#act();
    this.#heal();
    const { violation, accepted } = this.#receiver;
    if (violation !== undefined) return violation;
    if (this.#newest.acknowledged < recordsMax)
      return `only ${this.#newest.acknowledged} of ${recordsMax} records are acknowledged in the end`;
    return accepted.length === recordsMax
      ? undefined
      : `only ${accepted.length} of ${recordsMax} records are accepted in the end`;
  }

  get #newest(): Sender {
    return this.#senders.at(-1) as Sender;
  }

  #act(): void {
    const kind = this.#tape.draw(12);
    // Mostly the newest incarnation, sometimes one that is dead.
    const sender =
      this.#tape.draw(3) > 0 ? this.#newest : (this.#senders[this.#tape.draw(this.#senders.length)] ?? this.#newest);
    if (kind < 3) this.#send(sender);
    else if (kind < 6) this.#arrive();
    else if (kind < 9) this.#deliver(this.#tape.takeFrom(this.#replies));
    else if (kind === 9) this.#passTime(sender);
    else if (kind === 10) this.#breakLink(sender);
    else if (this.#tape.draw(2) === 0) this.#snapshot = Math.max(this.#snapshot, this.#newest.acknowledged);
    else this.#senders.push(new Sender(this.#newest.epoch + 1, this.#snapshot));
  }

  #send(sender: Sender): boolean {
    const section = sender.next(this.#tape);
    if (section === undefined || !sender.window.canSend(section.count * 10)) return false;
    const { tag, attempt } = sender.window.sent(section.count * 10, this.#nowMs);
    sender.inFlight += 1;
    this.#transit.push({ sender, section, tag, attempt });
    return true;
  }

  /** Any message on its way arrives, and is stored (answered, unanswered, or to be stored once more), refused or lost. */
  #arrive(): void {
    const message = this.#tape.takeFrom(this.#transit);
    if (message === undefined) return;
    const fate = this.#tape.draw(8);
    if (fate < 5) this.#store(message, fate !== 4);
    else if (fate === 5) this.#answer(message, { kind: "full" });
    else if (fate === 6) this.#answer(message, { kind: "failed", reason: "no leader" });
    if (fate === 3) this.#transit.push(message);
  }

  #store(message: Message, isAnswered: boolean): void {
    this.#sequence += 1;
    this.#receiver.read(message.section);
    if (isAnswered)
      this.#answer(message, { kind: "stored", sequence: this.#rules.judgedBy(this.#sequence, message.tag) });
  }

  #answer({ sender, tag, attempt }: Message, result: FrameResult): void {
    this.#replies.push({ sender, tag, attempt, result });
  }

  #deliver(reply: Reply | undefined): void {
    if (reply === undefined) return;
    const { sender, tag, attempt, result } = reply;
    this.#apply(sender, sender.window.onResult(tag, attempt, result, this.#nowMs));
  }

  #passTime(sender: Sender): void {
    this.#nowMs += sender.window.waitMs(this.#nowMs) ?? 100;
    this.#apply(sender, sender.window.onTimer(this.#nowMs));
  }

  #breakLink(sender: Sender): void {
    this.#apply(sender, sender.window.onLink(this.#tape.draw(2) === 0 ? "disconnected" : "reconnected", this.#nowMs));
  }

  #apply(sender: Sender, action: LaneAction): void {
    sender.act(action);
    if (sender !== this.#newest || sender.acknowledged <= this.#receiver.channel.last) return;
    this.#receiver.violation ??= `record ${sender.acknowledged} is acknowledged, the receiver has ${this.#receiver.channel.last}`;
  }

  /** The faults stop: the newest incarnation has a link, what is on its way arrives and is answered. */
  #heal(): void {
    const sender = this.#newest;
    this.#apply(sender, sender.window.onLink("reconnected", this.#nowMs));
    for (let round = 0; round < 400 && sender.acknowledged < recordsMax; round += 1) {
      const isSending = this.#send(sender);
      for (const message of this.#transit.splice(0)) this.#store(message, true);
      const replies = this.#replies.splice(0);
      for (const reply of replies) this.#deliver(reply);
      if (!isSending && replies.length === 0) this.#passTime(sender);
    }
  }
}

function holds(underTest: Rules): fc.IPropertyWithHooks<[readonly number[]]> {
  return fc.property(tapes(300), (choices) => {
    expect(new World(new Tape(choices), underTest).run()).toBeUndefined();
  });
}

describe("a channel over a log that loses, delays, doubles, reorders and refuses", () => {
  test("R2, R3: every record is accepted once, in order, and all of them once the faults stop", () => {
    fc.assert(holds(rules), { numRuns: 500 });
  });

  const accept = (channel: Received, { first }: SectionRange): ReceiveDecision => ({
    kind: "accept",
    skip: Math.max(0, channel.last + 1 - first),
  });
  const mutants: readonly (readonly [string, Rules])[] = [
    ["R3 without the order of acks", { ...rules, judgedBy: (_sequence, tag) => tag }],
    ["R2 without adopting a higher epoch", { ...rules, isEpochAdopted: false }],
    [
      "R2 accepting a gap",
      {
        ...rules,
        receive: (channel, section) => replaced(decideReceive(channel, section), "gap", accept(channel, section)),
      },
    ],
    [
      "R2 accepting a lower epoch",
      { ...rules, receive: (channel, section) => decideReceive({ ...channel, epoch: 0 }, section) },
    ],
    [
      "R2 accepting a duplicate",
      {
        ...rules,
        receive: (channel, section) =>
          replaced(decideReceive(channel, section), "duplicate", { kind: "accept", skip: 0 }),
      },
    ],
    [
      "R2 skipping no record that is known",
      {
        ...rules,
        receive: (channel, section) => replaced(decideReceive(channel, section), "accept", { kind: "accept", skip: 0 }),
      },
    ],
  ];
  for (const [name, mutant] of mutants) {
    test(`the model finds the fault: ${name}`, () => {
      expect(fc.check(holds(mutant), { numRuns: 2_000, seed: 1, endOnFailure: true }).failed).toBe(true);
    });
  }
});

function replaced(decision: ReceiveDecision, kind: ReceiveDecision["kind"], by: ReceiveDecision): ReceiveDecision {
  return decision.kind === kind ? by : decision;
}
