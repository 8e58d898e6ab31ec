/**
 * The protocol mutants that the simulator must catch: the production code with one thing wrong, by the rule that it breaks.
 *
 * Some are the mutants of the unit tests (`scripts/mutants/`), found here by name: what one instrument catches the other must catch, too. Some of those are not
 * here, for no result could tell: `docs/proof.md` says which, and why.
 */
import { callMutants } from "../mutants/calls.ts";
import { fleetMutants } from "../mutants/fleet.ts";
import { exchangeMutants } from "../mutants/exchange.ts";
import { loopMutants } from "../mutants/loops.ts";
import type { Mutant } from "../mutants/mutant.ts";
import { progressMutants } from "../mutants/progress.ts";
import { recoveryMutants } from "../mutants/recovery.ts";
import { savepointMutants } from "../mutants/savepoints.ts";

/** A mutant, and where to look first. */
export interface SimMutant extends Pick<Mutant, "name" | "file" | "from" | "to"> {
  readonly group: string;
  /** Mixes that favour it; the swarm comes after them. */
  readonly mixes: readonly string[];
}

const known = new Map(
  [
    ...callMutants,
    ...fleetMutants,
    ...exchangeMutants,
    ...loopMutants,
    ...progressMutants,
    ...recoveryMutants,
    ...savepointMutants,
  ].map((each) => [each.name, each]),
);

/** One of the unit tests' mutants. */
function unit(name: string, ...mixes: string[]): Omit<SimMutant, "group"> {
  const mutant = known.get(name);
  if (mutant === undefined) throw new RangeError(`there is no mutant ${name}`);
  const { file, from, to } = mutant;
  return { name, file, from, to, mixes };
}

/** One of this list alone. */
function own(name: string, file: string, from: string, to: string, ...mixes: string[]): Omit<SimMutant, "group"> {
  return { name, file, from, to, mixes };
}

const groups: Readonly<Record<string, readonly Omit<SimMutant, "group">[]>> = {
  loops: [
    unit("a loop is over when all are quiet, whatever has been sent", "rounds"),
    unit("a loop ends while its sources read", "rounds"),
    unit("an edge that closes a loop carries event time", "rounds"),
    unit("a loop is over after one round", "rounds"),
  ],
  receive: [
    own(
      "last record taken again",
      "protocol/receive.ts",
      '{ kind: "accept", skip: last + 1 - first }',
      '{ kind: "accept", skip: last - first }',
      "acks",
    ),
    unit("gap accepted", "acks"),
    unit("own epoch dropped", "acks"),
    unit("channel without its edge", "calm"),
    unit("check not rolled over what is skipped", "acks"),
  ],
  send: [
    unit("ack order not checked", "acks"),
    unit("only the failed frame sent again", "acks"),
    own(
      "an ack is believed whatever it says",
      "protocol/lane.ts",
      'if (result.kind !== "stored") return attempt',
      'if (result.kind === "failed") result = { kind: "stored", sequence: this.#highestSequence + 1 }; if (result.kind !== "stored") return attempt',
      "acks",
    ),
    own(
      "acks counted per channel, not per epoch",
      "actor/lane.ts",
      "for (const { channel } of frame.pieces) channel.acknowledge();",
      "for (const { channel } of frame.pieces) { channel.acknowledge(); const { edge, from } = channel.identity; for (const { pieces } of this.#frames) for (const { channel: heir } of pieces) if (heir !== channel && heir.identity.edge === edge && heir.identity.from === from) heir.acknowledge(); }",
      "acks",
      "snapshots",
    ),
    own(
      "encoded when it is sent, not when it is said",
      "actor/sink-queue.ts",
      "this.#rows.push({ number: this.#last, value: taken, timestamp, ordinal });",
      "this.#rows.push({ number: this.#last, get value() { return copyOf(value); }, timestamp, ordinal });",
      "circles",
      "calm",
    ),
  ],
  identity: [
    own(
      "numbers per sender",
      "actor/channel-out.ts",
      "this.#last += 1;",
      "this.#last = Math.max(this.#last + 1, ordinal);",
      "calm",
    ),
    unit("numbers count frames", "acks"),
    unit("numbers reset by an epoch", "acks"),
    unit("rebalance by load", "circles"),
    unit("dealing counter not restored", "snapshots"),
  ],
  snapshot: [
    unit("pointer moved before acks", "acks", "snapshots"),
    own(
      "cut not at one instant",
      "actor/snapshotter.ts",
      "const { refused, ...feed } = cut.feed;",
      "const { refused, ...feed } = this.#subject.feed.state();",
      "snapshots",
    ),
    own(
      "frozen segment written before it was encoded",
      "state/store.ts",
      "segment.cut?.encode(segment);",
      "",
      "slow",
      "snapshots",
    ),
    unit("pointer without compare-and-set", "zombies", "snapshots"),
    unit("missing reply of the pointer update believed", "snapshots"),
    unit("pointer moved before the manifest is stored", "snapshots"),
    own(
      "chunk shared by content",
      "protocol/snapshot.ts",
      "return [stage, partition, epoch, snapshot,",
      "return [stage, partition, 0, 0,",
      "circles",
      "zombies",
    ),
    unit("chunks deleted before confirmation", "snapshots"),
    unit("retained chunks deleted", "snapshots"),
    unit("watermark missing from the snapshot", "snapshots"),
    unit("rolling check missing from the snapshot", "snapshots"),
    own(
      "timers missing from the snapshot",
      "state/keyed-timers.ts",
      "this.#insert(new Timer(time as number, number as number, row));",
      "new Timer(time as number, number as number, row);",
      "snapshots",
    ),
    own(
      "windows to fire missing from the snapshot",
      "operator/window-aggregate.ts",
      "slices.timer = new Timer(time, number as number, row); this.#queue.add(slices.timer);",
      "slices.timer = new Timer(time, number as number, row);",
      "snapshots",
    ),
    own(
      "pending requests missing from the snapshot",
      "operator/async-map.ts",
      "for (const request of this.#requests.unanswered()) this.#context.requests.reopen(request, this.#spec);",
      "",
      "snapshots",
    ),
    own(
      "random draws missing from the snapshot",
      "operator/ledger.ts",
      "this.#random = random >>> 0;",
      "",
      "snapshots",
    ),
    own(
      "channels of the receiver missing from the snapshot",
      "actor/inbox-feed.ts",
      "channel.last = state.last;",
      "",
      "snapshots",
    ),
    own(
      "idle state missing from the snapshot",
      "protocol/watermark.ts",
      "Object.assign(this.#clock(edge), { ...clock, drained });",
      "Object.assign(this.#clock(edge), { ...clock, drained, isIdle: false, watermark: -Infinity });",
      "snapshots",
    ),
  ],
  trim: [
    unit("trim before the pointer", "snapshots"),
    unit("trim to the current snapshot", "snapshots"),
    unit("trim one too many", "snapshots"),
  ],
  claim: [
    unit("fence before compare-and-set", "zombies", "snapshots"),
    unit("anchor not checked", "blackouts", "tail-loss"),
    unit("hole in sequences accepted", "skips"),
    unit("data loss cried without reading the pointer", "rivals", "zombies"),
  ],
  watermark: [
    unit("watermark reported before acks", "acks"),
    unit("minimum over an empty set is infinity", "idle"),
    own(
      "finished and idle together are infinity",
      "protocol/watermark.ts",
      "if (active.length === 0) return { watermark: this.#held, isIdle: true };",
      "if (active.length === 0) return going.length < this.#members.size ? { watermark: Infinity, isIdle: false } : { watermark: this.#held, isIdle: true };",
      "idle",
    ),
    unit("upto ignored", "rivals", "zombies", "moves"),
    unit("reassigned instance keeps its value", "rivals", "zombies", "moves"),
    unit("not published again after an assignment", "zombies", "moves"),
    unit("maximum for minimum", "calm"),
    own(
      "counts before it has been applied fully",
      "actor/inbox-feed.ts",
      'if (!isDone) return "unfinished";',
      'if (!isDone && this.#firing === "watermark") { this.#watermark = this.#clocks.watermark; return "turned"; } if (!isDone) return "unfinished";',
      "floods",
    ),
    unit("watermark overtakes pending requests", "calls"),
    own(
      "barrier of the requests forgotten",
      "operator/pending-requests.ts",
      "if (last === undefined) this.#passed = watermark;",
      "if (last === undefined || last.request !== undefined) this.#passed = watermark;",
      "calm",
    ),
  ],
  reports: [
    unit("reports only once", "leaders"),
    unit("older report accepted", "echoes", "leaders"),
    unit("report of another epoch accepted", "epitaphs", "gates"),
  ],
  idle: [
    unit("idle at once", "idle"),
    unit("idle before acks", "gates", "idle"),
    unit("idleness left without an answer", "idle"),
    unit("blocked time counted", "gates", "idle"),
    unit("record passes the gate", "idle"),
  ],
  moves: [
    unit("a worker that goes takes nothing any more", "brim"),
    unit("waits for ever for those who are gone before", "brim"),
  ],
  time: [
    unit("ticks without a pause while the clocks differ", "crowds"),
    own(
      "tick carries the host's clock",
      "actor/inbox-feed.ts",
      "this.#program.tick(this.#program.now,",
      "this.#program.tick(this.#program.now + Number(process.hrtime.bigint() % 500n),",
      "failures",
    ),
    own(
      "ctx.now() goes back",
      "operator/stage-clock.ts",
      "if (ms > this.nowMs) this.nowMs = ms;",
      "this.nowMs = ms;",
      "failures",
    ),
    own(
      "timers due by the clock of the host",
      "actor/inbox-feed.ts",
      "this.#program.setNow(storedAtMs);",
      "this.#program.setNow(storedAtMs + Number(process.hrtime.bigint() % 50n));",
      "failures",
    ),
  ],
  room: [
    unit("frames of any size", "crowds"),
    unit("no reserve for fences", "brim"),
    unit("a fence waits for what may make no room", "brim"),
    unit("an inbox that nothing was read from is not looked at", "brim"),
    unit("whose input has ended makes no room any more", "crowds", "brim"),
    unit("no snapshot without progress when full", "crowds", "rooms"),
    unit("no room for results", "crowds", "calls"),
  ],
  failure: [
    unit("undo forgets outputs", "failures"),
    unit("undo forgets the check", "failures"),
    own(
      "undo forgets timers",
      "state/keyed-timers.ts",
      "store.undoLog.push(unregister, this, timer, undefined);",
      "",
      "failures",
    ),
    own(
      "undo forgets state",
      "state/row-place.ts",
      "this.undoLog.push(restoreCell, row, this.column, row.cells[this.column]);",
      "",
      "failures",
    ),
    unit("undo forgets requests", "failures"),
    own("undo forgets random draws", "operator/ledger.ts", "this.#random = this.#markedRandom;", "", "failures"),
    unit("budget counts moves", "shifts"),
    unit("a crash is always repeated where it was", "quarantine"),
  ],
  savepoints: [
    unit("drain before acks", "savepoints", "freezes"),
    unit("a frozen instance takes turns", "savepoints"),
    unit("sources read on", "savepoints"),
    unit("frozen for good", "savepoints"),
    unit("one frozen instance is enough for its stage", "savepoints"),
    unit("one drained edge is enough", "savepoints"),
    unit("a sweep takes what the index names", "savepoints"),
    own(
      "whether copies make a cut is not asked",
      "actor/savepoint-keeper.ts",
      "if (gap !== undefined)",
      "if (gap !== undefined && gap.said > gap.read)",
      "freezes",
    ),
  ],
  sinks: [
    unit("rows of a failed write lost", "outages"),
    unit("cut before the sinks have taken everything", "outages", "snapshots"),
    own(
      "prepared transactions aborted by the successor",
      "actor/sink-queue.ts",
      "await writer.recover?.(this.#prepared);",
      "await writer.recover?.([]);",
      "snapshots",
    ),
    own(
      "committed before the pointer has moved",
      "actor/snapshotter.ts",
      "const sinks = await cut.sinks;",
      "const sinks = await cut.sinks; await Promise.all(this.#subject.sinks.map((sink, index) => this.#commit(sink, sinks[index])));",
      "snapshots",
    ),
    own(
      "never committed after a claim",
      "actor/sink-queue.ts",
      "this.#prepared = [...(state?.prepared ?? [])];",
      "this.#prepared = [];",
      "snapshots",
    ),
  ],
};

/** All of them. */
export const simMutants: readonly SimMutant[] = Object.entries(groups).flatMap(([group, mutants]) =>
  mutants.map((mutant) => ({ ...mutant, group })),
);
