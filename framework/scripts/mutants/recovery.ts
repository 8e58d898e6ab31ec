/**
 * Mutants of recovery: snapshots, trims, claims (R4 to R8, H1).
 */
import type { Mutant } from "./mutant.ts";

const snapshot: readonly Mutant[] = [
  {
    name: "pointer moved before acks",
    file: "actor/snapshotter.ts",
    from: "const acknowledged = this.#subject.acknowledged(cut.ordinal);",
    to: "const acknowledged = undefined;",
    tests: ["actor/snapshotter.test.ts"],
  },
  {
    name: "pointer moved before the manifest is stored",
    file: "actor/snapshot-store.ts",
    from: "await this.#blobs.put(chunk.name, bytes); await this.#read(chunk);",
    to: "void this.#blobs.put(chunk.name, bytes);",
    tests: ["actor/snapshot-store.test.ts"],
  },
  {
    name: "pointer without compare-and-set",
    file: "actor/pointer-register.ts",
    from: "await this.#registers.update(this.#key, bytes, baseRevision)",
    to: "await this.#registers.update(this.#key, bytes, (await this.#registers.get(this.#key))?.revision ?? 0)",
    tests: ["actor/pointer-register.test.ts"],
  },
  {
    name: "a pointer that was only looked at is the base of the next move",
    file: "actor/pointer-register.ts",
    from: "return { value, revision: found.revision };",
    to: "this.#own = { value: { ...value, epoch: this.#epoch }, revision: found.revision }; return { value, revision: found.revision };",
    tests: ["actor/pointer-register.test.ts"],
  },
  {
    name: "a move and a question to the pointer at once",
    file: "actor/pointer-register.ts",
    from: "const done = this.#last.then(work);",
    to: "const done = work();",
    tests: ["actor/pointer-register.test.ts"],
  },
  {
    name: "missing reply of the pointer update believed",
    file: "protocol/pointer.ts",
    from: 'if (reply === "written") return "done";',
    to: 'if (reply !== "conflict") return "done";',
    tests: ["actor/pointer-register.test.ts"],
  },
  {
    name: "chunk shared by content",
    file: "protocol/snapshot.ts",
    from: "return [stage, partition, epoch, snapshot,",
    to: "return [stage, partition, epoch, 0,",
    tests: ["actor/snapshotter.test.ts"],
  },
  {
    name: "chunks deleted before confirmation",
    file: "actor/snapshotter.ts",
    from: "const pointer = await this.#subject.pointer.advance(ref);",
    to: "const [, stale] = this.#retained; this.#retained = this.#retained.slice(0, 1); await this.#collect(stale); const pointer = await this.#subject.pointer.advance(ref);",
    tests: ["actor/snapshotter.test.ts"],
  },
  {
    name: "retained chunks deleted",
    file: "protocol/snapshot.ts",
    from: "return dropped.filter(({ name }) => !names.has(name));",
    to: "return names.size < 0 ? [] : [...dropped];",
    tests: ["actor/snapshotter.test.ts", "protocol/snapshot.test.ts"],
  },
  {
    name: "watermark missing from the snapshot",
    file: "actor/inbox-feed.ts",
    from: "this.#watermark = manifest.watermark;",
    to: "",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "rolling check missing from the snapshot",
    file: "actor/inbox-feed.ts",
    from: "channel.check = state.check;",
    to: "",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "an inbox that nothing was read from is not looked at",
    file: "actor/snapshot-schedule.ts",
    from: "#heldBytes = Infinity;",
    to: "#heldBytes = 0;",
    tests: ["actor/snapshot-schedule.test.ts"],
  },
  {
    name: "whose input has ended makes no room any more",
    file: "actor/snapshot-schedule.ts",
    from: "if (this.#isTaking) return false;",
    to: "if (this.#isTaking || this.#isOver) return false;",
    tests: ["actor/snapshot-schedule.test.ts"],
  },
  {
    name: "waits for ever for those who are gone before",
    file: "actor/ack-stall.ts",
    from: "return nowMs - this.#sinceMs >= stalledMsMax;",
    to: "return nowMs < 0;",
    tests: ["actor/ack-stall.test.ts", "actor/instance.test.ts"],
  },
  {
    name: "cut before the sinks have taken everything",
    file: "actor/sink-queue.ts",
    from: "(head === undefined || head.number > cut.last)",
    to: "head?.number !== 0",
    tests: ["actor/sink-queue.test.ts"],
  },
];

const trim: readonly Mutant[] = [
  {
    name: "trim before the pointer",
    file: "actor/snapshotter.ts",
    from: "const pointer = await this.#subject.pointer.advance(ref);",
    to: "await this.#subject.feed.trim(this.#retained[0]?.ref.sequence ?? 0); const pointer = await this.#subject.pointer.advance(ref);",
    tests: ["actor/snapshotter.test.ts"],
  },
  {
    name: "trim to the current snapshot",
    file: "protocol/snapshot.ts",
    from: "pointer.previous?.sequence ?? 0",
    to: "pointer.current?.sequence ?? 0",
    tests: ["actor/snapshotter.test.ts", "protocol/snapshot.test.ts"],
  },
  {
    name: "trim one too many",
    file: "protocol/snapshot.ts",
    from: "return sequence > 0 ? sequence : undefined;",
    to: "return sequence > 0 ? sequence + 1 : undefined;",
    tests: ["actor/snapshotter.test.ts", "protocol/snapshot.test.ts"],
  },
];

const claim: readonly Mutant[] = [
  {
    name: "fence before compare-and-set",
    file: "actor/claiming.ts",
    from: "await pointer.claim(",
    to: 'await host.appendControl(id.stage, id.partition, encodeControl({ kind: "epochStart", instance: id, epoch, floors: [] })); await pointer.claim(',
    tests: ["actor/instance.test.ts"],
  },
  {
    name: "emit before all fences are acknowledged",
    file: "actor/claiming.ts",
    from: "await Promise.all(behind.map(",
    to: "void Promise.all(behind.map(",
    tests: ["actor/instance.test.ts"],
  },
  {
    name: "epoch equal accepted",
    file: "protocol/claim.ts",
    from: "pointer.epoch >= epoch",
    to: "pointer.epoch > epoch",
    tests: ["actor/instance.test.ts", "protocol/claim.test.ts"],
  },
  {
    name: "anchor not checked",
    file: "protocol/read.ts",
    from: "if (sequence > 0 && found !== anchor)",
    to: "if (sequence < 0)",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "hole in sequences accepted",
    file: "protocol/read.ts",
    from: "if (sequence !== last + 1)",
    to: "if (sequence <= last)",
    tests: ["protocol/read.test.ts"],
  },
  {
    name: "data loss cried without reading the pointer",
    file: "actor/claiming.ts",
    from: "return decideBroken({ pointerEpoch: await pointer.owner(), ownEpoch: epoch, error });",
    to: "return decideBroken({ pointerEpoch: epoch, ownEpoch: epoch, error });",
    tests: ["actor/instance.test.ts"],
  },
];

/** All of them. */
export const recoveryMutants: readonly Mutant[] = [...snapshot, ...trim, ...claim];
