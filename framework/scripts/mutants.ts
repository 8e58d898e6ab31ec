/**
 * Shows that the tests would notice: `npm run mutants -- [NAME …] [--json]`.
 *
 * Each mutant is the production code with one thing wrong, put into a copy of the tree; the tests named with it must then fail. Prints what was
 * caught and what survived, and ends with 1 when something survived, or when a mutant's text is no longer in the source. Nothing here touches the
 * working tree.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

interface Mutant {
  readonly name: string;
  /** Below `framework/`. */
  readonly file: string;
  /** Stands exactly once in the file; spaces and line ends do not matter. */
  readonly from: string;
  readonly to: string;
  /** Test files, below `test/`; one of them must fail. */
  readonly tests: readonly string[];
}

const exchange = "protocol/exchange.test.ts";
const seeds = "actor/seeds.test.ts";

const receive: readonly Mutant[] = [
  {
    name: "gap accepted",
    file: "protocol/receive.ts",
    from: "if (first > last + 1) return gap;",
    to: "",
    tests: ["protocol/receive.test.ts", exchange],
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
    from: "this.#sent = 0; }",
    to: "this.#sent = Math.max(0, this.#sent - 1); }",
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
    from: "if (this.#pending.delete(channel)) this.#bytes",
    to: "if (!this.#pending.has(channel)) this.#bytes",
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

const snapshot: readonly Mutant[] = [
  {
    name: "pointer moved before acks",
    file: "actor/snapshotter.ts",
    from: "await this.#subject.acknowledged(cut.ordinal);",
    to: "",
    tests: ["actor/snapshotter.test.ts"],
  },
  {
    name: "pointer moved before the manifest is stored",
    file: "actor/snapshot-store.ts",
    from: "await this.#blobs.put(chunk.name, slice); await this.#read(chunk);",
    to: "void this.#blobs.put(chunk.name, slice);",
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
    file: "actor/instance.ts",
    from: "await this.#pointer.claim(",
    to: 'await host.appendControl(stage, partition, encodeControl({ kind: "epochStart", instance: this.id, epoch: this.epoch })); await this.#pointer.claim(',
    tests: ["actor/instance.test.ts"],
  },
  {
    name: "emit before all fences are acknowledged",
    file: "actor/instance.ts",
    from: "await Promise.all(this.#downstream()",
    to: "void Promise.all(this.#downstream()",
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
    file: "actor/instance.ts",
    from: "return decideBroken({ pointerEpoch: await this.#pointer.owner(), ownEpoch: this.epoch, error });",
    to: "return decideBroken({ pointerEpoch: this.epoch, ownEpoch: this.epoch, error });",
    tests: ["actor/instance.test.ts"],
  },
];

const watermark: readonly Mutant[] = [
  {
    name: "watermark reported before acks",
    file: "actor/progress.ts",
    from: "mark !== undefined && mark.ordinal <= ordinal;",
    to: "mark !== undefined && ordinal >= 0;",
    tests: ["actor/progress.test.ts"],
  },
  {
    name: "minimum over an empty set is infinity",
    file: "protocol/watermark.ts",
    from: "if (active.length === 0)",
    to: "if (active.length === 0) return { watermark: Infinity, isIdle: false }; if (active.length === 0)",
    tests: ["actor/stage-supervisor.test.ts"],
  },
  {
    name: "upto ignored",
    file: "protocol/watermark.ts",
    from: "if (control.upto < clock.epoch) return false;",
    to: "",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "reassigned instance keeps its value",
    file: "protocol/watermark.ts",
    from: "this.#members.set(key, { epoch, n: 0, watermark: -Infinity,",
    to: "this.#members.set(key, { epoch, n: 0, watermark: member?.watermark ?? -Infinity,",
    tests: ["actor/stage-supervisor.test.ts", "protocol/watermark.test.ts"],
  },
  {
    name: "not published again after an assignment",
    file: "actor/stage-supervisor.ts",
    from: "mustRepublish = true;",
    to: "mustRepublish = false;",
    tests: ["actor/stage-supervisor.test.ts"],
  },
  {
    name: "maximum for minimum",
    file: "protocol/watermark.ts",
    from: "(least, member) => Math.min(least, member.watermark), Infinity",
    to: "(most, member) => Math.max(most, member.watermark), -Infinity",
    tests: ["actor/stage-supervisor.test.ts"],
  },
  {
    name: "receiver goes back",
    file: "protocol/watermark.ts",
    from: "this.#watermark = Math.max(this.#watermark, this.#minimum());",
    to: "this.#watermark = this.#minimum();",
    tests: ["protocol/watermark.test.ts", "actor/inbox-feed.test.ts"],
  },
  {
    name: "counts before it has been applied fully",
    file: "actor/inbox-feed.ts",
    from: 'if (!isDone) return "unfinished";',
    to: 'if (this.#firing === "watermark") this.#watermark = this.#clocks.watermark; if (!isDone) return "unfinished";',
    tests: ["actor/inbox-feed.test.ts"],
  },
];

const reports: readonly Mutant[] = [
  {
    name: "reports only once",
    file: "actor/worker.ts",
    from: "this.#repeat(reportAgainMs, () => this.#reports.reportAll(this.#instances.values()));",
    to: "",
    tests: ["actor/worker.test.ts"],
  },
  {
    name: "not reported to a new leader",
    file: "actor/worker.ts",
    from: "this.#reports.reportAll(this.#instances.values()); }",
    to: "}",
    tests: ["actor/worker.test.ts"],
  },
  {
    name: "older report accepted",
    file: "protocol/watermark.ts",
    from: "|| report.n <= member.n",
    to: "",
    tests: ["actor/stage-supervisor.test.ts"],
  },
  {
    name: "report of another epoch accepted",
    file: "actor/stage-supervisor.ts",
    from: "if (report.epoch !== this.#epochs.get(key) || !this.#minimum.report(report)) return;",
    to: "if (!this.#minimum.report({ ...report, epoch: this.#epochs.get(key) ?? 0 })) return;",
    tests: ["actor/stage-supervisor.test.ts"],
  },
  {
    name: "position is never news",
    file: "actor/progress.ts",
    from: "|| position - said.position >= positionsPerReport",
    to: "",
    tests: ["actor/progress.test.ts"],
  },
];

const idle: readonly Mutant[] = [
  {
    name: "idle at once",
    file: "protocol/idle.ts",
    from: "this.#quietMs >= this.#idleTimeoutMs",
    to: "this.#quietMs >= 0",
    tests: ["actor/progress.test.ts"],
  },
  {
    name: "idle before acks",
    file: "protocol/idle.ts",
    from: "|| !facts.isFullyAcknowledged",
    to: "",
    tests: ["actor/progress.test.ts"],
  },
  {
    name: "blocked time counted",
    file: "protocol/idle.ts",
    from: "|| facts.isBlocked",
    to: "",
    tests: ["actor/progress.test.ts"],
  },
  {
    name: "idleness left without an answer",
    file: "protocol/idle.ts",
    from: "this.#isShut = true;",
    to: "",
    tests: ["actor/progress.test.ts"],
  },
  {
    name: "record passes the gate",
    file: "actor/split-feed.ts",
    from: "if (!mayLeaveIdle) {",
    to: "if (entry === undefined) {",
    tests: ["actor/split-feed.test.ts"],
  },
];

const rest: readonly Mutant[] = [
  {
    name: "older leader's records accepted",
    file: "protocol/job-log.ts",
    from: "record.leader >= (this.#leader?.epoch ?? 0)",
    to: "record.leader >= 0",
    tests: ["protocol/job-log.test.ts"],
  },
  {
    name: "tick carries the host's clock",
    file: "actor/inbox-feed.ts",
    from: "this.#program.tick(this.#program.now,",
    to: "this.#program.tick(this.#program.now + 1,",
    tests: ["actor/inbox-feed.test.ts"],
  },
  {
    name: "no reserve for fences",
    file: "actor/control-sender.ts",
    from: "() => void this.#makeRoom(log)",
    to: "() => void log",
    tests: ["actor/control-sender.test.ts"],
  },
  {
    name: "controls without bound",
    file: "protocol/room.ts",
    from: "return unread < unreadControlsMax;",
    to: "return unread < Infinity;",
    tests: ["actor/control-sender.test.ts"],
  },
  {
    name: "no snapshot without progress when full",
    file: "protocol/snapshot.ts",
    from: 'return "room";',
    to: "return undefined;",
    tests: ["protocol/snapshot.test.ts"],
  },
  {
    name: "budget counts moves",
    file: "protocol/job-log.ts",
    from: 'if (cause === "crash") this.#crashes.set(',
    to: 'if (cause !== "start") this.#crashes.set(',
    tests: ["protocol/job-log.test.ts"],
  },
  {
    name: "rows of a failed write lost",
    file: "actor/sink-queue.ts",
    from: "this.#rows = [...this.#inFlight, ...this.#rows];",
    to: "",
    tests: ["actor/sink-queue.test.ts"],
  },
  {
    name: "rows before recovery",
    file: "actor/sink-queue.ts",
    from: "await writer.recover?.(this.#prepared); this.#prepared = []; this.#writer = writer;",
    to: "this.#writer = writer; this.#pump(); await writer.recover?.(this.#prepared); this.#prepared = [];",
    tests: ["actor/sink-queue.test.ts"],
  },
  {
    name: "clock of the host in a turn",
    file: "actor/instance.ts",
    from: "const result = this.#host.plan.options.deterministicGlobals",
    to: "const result = this.#host === undefined",
    tests: ["actor/determinism.test.ts"],
  },
  {
    name: "the whole: check not rolled over what is skipped",
    file: "actor/inbox-feed.ts",
    from: "check = rollCheck(check, hash, timestampAt(timestamps, i)); }",
    to: "}",
    tests: ["actor/inbox-feed.test.ts", seeds],
  },
];

const mutants: readonly Mutant[] = [
  ...receive,
  ...send,
  ...identity,
  ...snapshot,
  ...trim,
  ...claim,
  ...watermark,
  ...reports,
  ...idle,
  ...rest,
];

type Fate = "caught" | "SURVIVED" | "STALE";

const root = resolve(import.meta.dirname, "../..");
const testMsMax = 180_000;

/** A copy of the tree whose dependencies are those of the original. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "tidemark-mutants-"));
  const ignored = new Set(["node_modules", ".git", ".tidemark"]);
  for (const name of readdirSync(root)) {
    if (!ignored.has(name))
      cpSync(join(root, name), join(copy, name), {
        recursive: true,
        filter: (from) => !from.endsWith("/node_modules"),
      });
  }
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync(join(root, "node_modules"))) {
    const target = name === "tidemark" ? join(copy, "framework") : join(root, "node_modules", name);
    symlinkSync(target, join(copy, "node_modules", name));
  }
  return copy;
}

/** Finds `text` whatever its spaces and line ends. */
function patternOf(text: string): RegExp {
  const words = text
    .trim()
    .split(/\s+/u)
    .map((word) => word.replaceAll(/[$()*+.?[\\\]^{|}]/gu, String.raw`\$&`));
  return new RegExp(words.join(String.raw`\s*`), "gu");
}

/** Whether the tests fail with the mutant. */
function tryMutant(copy: string, { file, from, to, tests }: Mutant): Fate {
  const path = join(copy, "framework", file);
  const source = readFileSync(path, "utf8");
  const pattern = patternOf(from);
  if ([...source.matchAll(pattern)].length !== 1) return "STALE";
  writeFileSync(
    path,
    source.replace(pattern, () => to),
  );
  try {
    return passes(copy, tests) ? "SURVIVED" : "caught";
  } finally {
    writeFileSync(path, source);
  }
}

function passes(copy: string, tests: readonly string[]): boolean {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const files = tests.map((test) => join("test", test));
  const flags = ["run", "--bail=1", "--typecheck.enabled=false", "--reporter=dot", ...files];
  const { status } = spawnSync(process.execPath, [vitest, ...flags], {
    cwd: copy,
    timeout: testMsMax,
    stdio: "ignore",
  });
  return status === 0;
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const chosen = mutants.filter(
  ({ name, file }) => positionals.length === 0 || positionals.some((part) => `${name} ${file}`.includes(part)),
);
const copy = copyTree();
const fates: { readonly mutant: string; readonly file: string; readonly fate: Fate }[] = [];
try {
  const all = [...new Set(chosen.flatMap(({ tests }) => tests))];
  if (!passes(copy, all)) {
    process.stderr.write(`the tests fail without any mutant: ${all.join(", ")}\n`);
    process.exitCode = 2;
  } else {
    for (const mutant of chosen) {
      const fate = tryMutant(copy, mutant);
      fates.push({ mutant: mutant.name, file: mutant.file, fate });
      if (!flags.json) process.stdout.write(`${fate.padEnd(9)} ${mutant.name.padEnd(52)} ${mutant.file}\n`);
    }
    const count = (fate: Fate) => fates.filter((each) => each.fate === fate).length;
    const totals = { caught: count("caught"), survived: count("SURVIVED"), stale: count("STALE") };
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ ...totals, mutants: fates })}\n`
        : `${totals.caught} caught, ${totals.survived} survived, ${totals.stale} stale\n`,
    );
    if (totals.survived + totals.stale > 0) process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
