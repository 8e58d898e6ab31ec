/**
 * Mutants of the JetStream source and sink: what is read of a stream that others change, and what makes a row be stored once.
 */
import type { Mutant } from "./mutant.ts";

const limits: readonly Mutant[] = [
  {
    name: "chunk on its way taken for damage",
    file: "nats/nats-blobs.ts",
    from: 'if (there === undefined) throw new StreamError("UNAVAILABLE",',
    to: 'if (there === undefined) throw new StreamError("CORRUPT",',
    tests: ["nats/blobs.test.ts"],
  },
  {
    name: "one entry more than a key may have",
    file: "state/state-limits.ts",
    from: "if (count < entriesMax) return;",
    to: "if (count <= entriesMax) return;",
    tests: ["plan/limits.test.ts"],
  },
  {
    name: "one timer more than a key may have",
    file: "state/state-limits.ts",
    from: "if (count < timersMax) return;",
    to: "if (count <= timersMax) return;",
    tests: ["plan/limits.test.ts"],
  },
];

const cursor: readonly Mutant[] = [
  {
    name: "gap in a stream not proven",
    file: "nats/stream-cursor.ts",
    from: "const end = this.#held.findIndex(({ missing }) => missing !== undefined);",
    to: "const end = -1;",
    tests: ["connectors/jetstream-source.test.ts"],
  },
  {
    name: "loss by retention taken for a hole",
    file: "nats/stream-cursor.ts",
    from: "if (first > expected) {",
    to: "if (first > expected + 1_000_000) {",
    tests: ["connectors/jetstream-source.test.ts"],
  },
  {
    name: "another stream of the same name read on",
    file: "nats/stream-cursor.ts",
    from: "if (found.created !== created)",
    to: "if (found.config.name !== stream)",
    tests: ["connectors/jetstream-source.test.ts"],
  },
  {
    name: "deleted end of a stream waited for",
    file: "nats/stream-cursor.ts",
    from: "else if (pending === 0) await this.#passHoles(life, wanted, found.last);",
    to: "",
    tests: ["connectors/jetstream-source.test.ts"],
  },
];

const writer: readonly Mutant[] = [
  {
    name: "row not fenced",
    file: "connectors/jetstream-writer.ts",
    from: "if (sequence !== undefined) fence(made, sequence);",
    to: "if (sequence === -1) fence(made, sequence);",
    tests: ["connectors/jetstream-sink.test.ts"],
  },
  {
    name: "claim does not skip what is stored",
    file: "connectors/jetstream-writer.ts",
    from: "rows.filter(({ number }) => number > after)",
    to: "rows.filter(({ number }) => number > after - 1)",
    tests: ["connectors/jetstream-sink.test.ts"],
  },
  {
    name: "row of an earlier life counted",
    file: "connectors/jetstream-writer.ts",
    from: "return generation === this.#identity.generation && startedMs === this.#identity.startedMs;",
    to: "return generation <= this.#identity.generation && startedMs <= this.#identity.startedMs;",
    tests: ["connectors/jetstream-sink.test.ts"],
  },
  {
    name: "later life not feared",
    file: "connectors/jetstream-writer.ts",
    from: "if (id.startedMs <= this.#identity.startedMs) return id;",
    to: "return id;",
    tests: ["connectors/jetstream-sink.test.ts"],
  },
  {
    name: "evidence without what a zombie has stored",
    file: "connectors/jetstream-writer.ts",
    from: "this.#evidence = { number: this.#highest, end",
    to: "this.#evidence = { number: Math.min(this.#highest, 3), end",
    tests: ["connectors/jetstream-sink.test.ts"],
  },
  {
    name: "removed rows not spoken of",
    file: "connectors/jetstream-writer.ts",
    from: "created === evidence.created && first <= evidence.end + 1",
    to: "created === evidence.created",
    tests: ["connectors/jetstream-sink.test.ts"],
  },
  {
    name: "transactional sink not asked at a snapshot",
    file: "actor/sink-queue.ts",
    from: 'if (this.#spec.guarantee === "twoPhase" || this.#spec.guarantee === "transactional") {',
    to: 'if (this.#spec.guarantee === "twoPhase") {',
    tests: ["actor/sink-queue.test.ts"],
  },
];

/** Mutants of the JetStream connectors, of chunks, and of limits. */
export const jetstreamMutants: readonly Mutant[] = [...limits, ...cursor, ...writer];
