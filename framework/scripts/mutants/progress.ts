/**
 * Mutants of progress and supervision: watermarks, reports, idleness, room, sinks (R9, R10, R13, R16).
 */
import type { Mutant } from "./mutant.ts";

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
    name: "a control claims all that has been read of the job log",
    file: "actor/stage-supervisor.ts",
    from: "n, upto: this.#upto, watermark",
    to: "n, upto: this.#view.position, watermark",
    tests: ["actor/stage-supervisor.test.ts"],
  },
  {
    name: "a stop hides a successor from the leader that reads both",
    file: "actor/worker.ts",
    from: "this.#leadership?.yield();",
    to: 'if (view.life.state !== "stopped") this.#leadership?.yield();',
    tests: ["actor/worker.test.ts"],
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
    from: "this.#members.set(key, { instance, epoch, n: 0, watermark: -Infinity,",
    to: "this.#members.set(key, { instance, epoch, n: 0, watermark: member?.watermark ?? -Infinity,",
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
    from: "again(reportAgainMs, () => this.#reports.reportAll(this.#instances.reporters));",
    to: "",
    tests: ["actor/worker.test.ts"],
  },
  {
    name: "not reported to a new leader",
    file: "actor/worker.ts",
    from: 'if (this.#leadership?.follow(this.phase === "working") === true) this.#reports.reportAll(this.#instances.reporters);',
    to: 'this.#leadership?.follow(this.phase === "working");',
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
    from: "record.leader >= this.#leaderMin",
    to: "record.leader >= 0",
    tests: ["protocol/job-log.test.ts"],
  },
  {
    name: "what a leader from before a restart writes counts",
    file: "protocol/job-log.ts",
    from: "this.#leaderMin = sequence; this.#assignments.clear();",
    to: "this.#assignments.clear();",
    tests: ["protocol/job-log.test.ts"],
  },
  {
    name: "an outcome after a stop counts",
    file: "protocol/job-life.ts",
    from: 'if (this.#state !== "running") return;',
    to: "",
    tests: ["protocol/job-life.test.ts"],
  },
  {
    name: "the register goes back",
    file: "actor/job-register.ts",
    from: "record.position >= stands.position",
    to: "false",
    tests: ["actor/job-register.test.ts"],
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
    from: "await writer.append(payload, () => void this.#makeRoom(log))",
    to: "await writer.append(payload)",
    tests: ["actor/control-sender.test.ts"],
  },
  {
    name: "a fence waits for what may make no room",
    file: "actor/log-writer.ts",
    from: "this.#queue.find(({ onFull }) => onFull !== undefined)?.onFull?.();",
    to: "head.onFull?.();",
    tests: ["actor/control-sender.test.ts"],
  },
  {
    name: "a worker that goes takes nothing any more",
    file: "actor/worker.ts",
    from: 'if (this.phase === "working" || this.phase === "leaving")',
    to: 'if (this.phase === "working")',
    tests: ["actor/worker.test.ts"],
  },
  {
    name: "ticks without a pause while the clocks differ",
    file: "actor/tick-schedule.ts",
    from: "Math.min(againMsMax, Math.max(1, at - logMs))",
    to: "0",
    tests: ["actor/tick-schedule.test.ts"],
  },
  {
    name: "frames of any size",
    file: "actor/channel-out.ts",
    from: "Math.min(pieceBytesMax, (lane.frameBytesMax ?? Infinity) / 2)",
    to: "pieceBytesMax",
    tests: ["actor/channel-out.test.ts"],
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
    name: "budget's time stands still with the job log",
    file: "actor/job-supervisor.ts",
    from: "nowMs: this.#logNowMs }",
    to: "nowMs: this.#world.tail.view.storedAtMs }",
    tests: ["actor/worker.test.ts"],
  },
  {
    name: "reports to a leader that prepares are lost",
    file: "actor/job-supervisor.ts",
    from: "for (const { worker, report } of this.#early.values()) this.onReports({ worker, reports: [report] });",
    to: "",
    tests: ["actor/worker.test.ts"],
  },
  {
    name: "producer of a superseded instance left running",
    file: "actor/instance.ts",
    from: "if (this.#isClosed) return letGo(incarnation, this.#host.platform.logger);",
    to: "",
    tests: ["actor/instance.test.ts"],
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
    file: "actor/turn-loop.ts",
    from: "const result = this.#isDeterministic",
    to: "const result = this.#isDeterministic && false",
    tests: ["actor/determinism.test.ts"],
  },
  {
    name: "check not rolled over what is skipped",
    file: "actor/inbox-feed.ts",
    from: "check = rollCheck(check, hash, timestampAt(timestamps, i)); }",
    to: "}",
    tests: ["actor/inbox-feed.test.ts", "actor/seeds.test.ts"],
  },
];

/** All of them. */
export const progressMutants: readonly Mutant[] = [...watermark, ...reports, ...idle, ...rest];
