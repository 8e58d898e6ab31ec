/**
 * Mutants of the exchange: what is said, sent and received (R1, R2, R3, R13).
 */
import type { Mutant } from "./mutant.ts";

const receive: readonly Mutant[] = [
  {
    name: "gap accepted",
    file: "protocol/receive.ts",
    from: "if (first > last + 1) return gap;",
    to: "",
    tests: ["protocol/receive.test.ts"],
  },
  {
    name: "letter taken twice",
    file: "actor/inbox-feed.ts",
    from: "!this.#redelivered.take(letter)",
    to: "this.#redelivered.take(letter) === undefined",
    tests: ["actor/inbox-feed.test.ts", "administration/redelivery.test.ts"],
  },
  {
    name: "taken letters forgotten by a restore",
    file: "actor/inbox-feed.ts",
    from: "this.#redelivered.restore(manifest.redelivered);",
    to: "",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "letter taken when the input has ended",
    file: "actor/inbox-feed.ts",
    from: "if (this.#watermark === Infinity || !this.#redelivered",
    to: "if (!this.#redelivered",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "lower epoch not dropped",
    file: "protocol/receive.ts",
    from: "if (section.epoch < channel.epoch) return stale;",
    to: "",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "own epoch dropped",
    file: "protocol/receive.ts",
    from: "section.epoch < channel.epoch",
    to: "section.epoch <= channel.epoch",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "higher epoch not adopted",
    file: "actor/inbox-feed.ts",
    from: "if (section.epoch > channel.epoch) this.#adopt(section.edge, channel, section.epoch);",
    to: "",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "fence not adopted",
    file: "actor/inbox-feed.ts",
    from: "if (epoch > channel.epoch) this.#adopt(index, channel, epoch);",
    to: "",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "channel without its edge",
    file: "actor/inbox-feed.ts",
    from: "const channels = this.#channels.get(edge);",
    to: "const [channels] = this.#channels.values();",
    tests: ["actor/inbox-feed.test.ts"],
  },
];

const send: readonly Mutant[] = [
  {
    name: "ack order not checked",
    file: "protocol/lane.ts",
    from: "smallestAbove(this.#lastSequence, frame.sequences)",
    to: "smallestAbove(0, frame.sequences)",
    tests: ["actor/lane.test.ts", "protocol/lane.test.ts"],
  },
  {
    name: "only the failed frame sent again",
    file: "actor/lane.ts",
    from: "this.#sent = 0; this.#flight.give(bytes); }",
    to: "this.#sent = Math.max(0, this.#sent - 1); this.#flight.give(bytes); }",
    tests: ["actor/lane.test.ts"],
  },
  {
    name: "window not stopped at a refusal",
    file: "protocol/lane.ts",
    from: "if (!this.#isConnected || this.#reopensAtMs !== undefined) return false;",
    to: "if (!this.#isConnected) return false;",
    tests: ["actor/lane.test.ts", "protocol/lane.test.ts"],
  },
  {
    name: "no allowance",
    file: "actor/lane.ts",
    from: "return bytes <= this.#allowance;",
    to: "return true;",
    tests: ["actor/lane.test.ts"],
  },
  {
    name: "sink row kept by reference",
    file: "actor/sink-queue.ts",
    from: "this.#spec.encode === undefined ? copyOf(value) : this.#spec.encode(value)",
    to: "this.#spec.encode === undefined ? value : this.#spec.encode(value)",
    tests: ["actor/sink-queue.test.ts"],
  },
  {
    name: "dead incarnation's records sent on",
    file: "actor/lane.ts",
    from: "forget(channel: ChannelOut): void { this.#pending.delete(channel);",
    to: "forget(channel: ChannelOut): void { this.#pending.has(channel);",
    tests: ["actor/lane.test.ts"],
  },
];

const identity: readonly Mutant[] = [
  {
    name: "numbers reset by an epoch",
    file: "actor/channel-out.ts",
    from: "this.#last = state.last;",
    to: "this.#last = 0;",
    tests: ["actor/channel-out.test.ts"],
  },
  {
    name: "numbers count frames",
    file: "actor/channel-out.ts",
    from: "first: this.#last + 1,",
    to: "first: this.#sent.length + 1,",
    tests: ["actor/channel-out.test.ts"],
  },
  {
    name: "rebalance by load",
    file: "actor/outputs.ts",
    from: "sum += channel?.last ?? 0;",
    to: "sum += channel?.pendingBytes ?? 0;",
    tests: ["actor/outputs.test.ts"],
  },
  {
    name: "dealing counter not restored",
    file: "actor/outputs.ts",
    from: "for (const state of origin.channels) this.#channel(this.#edgeOut(state.edge), state.to, state);",
    to: "",
    tests: ["actor/outputs.test.ts"],
  },
  {
    name: "undo forgets outputs",
    file: "actor/outputs.ts",
    from: "this.#touched[at]?.undo();",
    to: "",
    tests: ["actor/outputs.test.ts"],
  },
  {
    name: "undo forgets the check",
    file: "actor/channel-out.ts",
    from: "this.#check = this.#markCheck;",
    to: "",
    tests: ["actor/channel-out.test.ts"],
  },
];

/** All of them. */
export const exchangeMutants: readonly Mutant[] = [...receive, ...send, ...identity];
