/**
 * Mixes of faults: the swarm, in which every seed has faults and rates of its own, and mixes that look for one kind of hole.
 *
 * A fault's rate is a probability per call for those of logs, stores, the Bus, sources and sinks, and per task of the clock for those of processes.
 */
import type { Random } from "../../platform/platform.ts";
import type { Mix, Rates, Setting } from "./contract.ts";
import { allFaults, faultKinds, isBeyond, sharpFaults, type FaultKind } from "./faults.ts";
import { commonWorkloads } from "./workloads/all.ts";

const perCall = [0.003, 0.01, 0.03, 0.1];
const perTask = [0.0005, 0.001, 0.003, 0.006, 0.012];
/** Faults of this kind that strike between tasks, not in calls. */
const betweenTasks: ReadonlySet<FaultKind> = new Set([
  "busCut",
  "placeDown",
  "jobLogLate",
  "blackout",
  "tailLost",
  "logRecreated",
  "blobsWiped",
]);

function drawRate(random: Random, kind: FaultKind): number {
  if (kind === "clockDrift") return 0.5;
  if (kind === "commands") return 0.001;
  const isPerTask = faultKinds[kind].layer === "process" || betweenTasks.has(kind);
  const rates = isPerTask ? perTask : perCall;
  return rates[random.below(rates.length)] ?? 0;
}

/** Of savepoints, per task: some in every second. */
const savepointRate = 0.003;

/** Each of `kinds` is in one of two seeds, with a rate of its own. */
function drawRates(random: Random, kinds: readonly FaultKind[], share = 0.5): Rates {
  const rates: Partial<Record<FaultKind, number>> = {};
  for (const kind of kinds) if (random.next() < share) rates[kind] = drawRate(random, kind);
  return rates;
}

function drawSetting(random: Random, rates: Rates): Setting {
  return {
    rates,
    workers: 1 + random.below(3),
    partitions: 1 + random.below(3),
    faultsMs: 1_500 + random.below([4_000, 4_000, 10_000][random.below(3)] ?? 4_000),
    snapshotBytes: 200 + random.below(2_000),
    snapshotIntervalMs: [300, 1_000, 4_000][random.below(3)] ?? 1_000,
    inboxBytes: 64 * 1024,
    frameBytes: [64, 512, 4_096][random.below(3)] ?? 512,
    reserveBytes: 64 * 1024,
    laneBytes: 1024 * 1024,
    restartsMax: 1_000,
    crashesMax: 40,
  };
}

/** Drawn apart: they stop a job again and again. */
const commanded: readonly FaultKind[] = ["savepoints", "restores", "upgrades"];
const withinModel = allFaults.filter(
  (kind) => !isBeyond(kind) && !sharpFaults.includes(kind) && !commanded.includes(kind),
);
const sharp = sharpFaults.filter((kind) => !isBeyond(kind));

/** A mix of some kinds in most of its seeds, others sometimes. */
function focus(name: string, about: string, kinds: readonly FaultKind[], change: Partial<Setting> = {}): Mix {
  const others = withinModel.filter((kind) => !kinds.includes(kind));
  return {
    name,
    about,
    draw(random) {
      const rates = { ...drawRates(random, others, 0.1), ...drawRates(random, kinds, 0.85) };
      return { ...drawSetting(random, rates), ...change };
    },
  };
}

/** A mix that goes beyond the fault model, with few other faults besides. */
function beyond(name: string, about: string, kinds: readonly FaultKind[], change: Partial<Setting> = {}): Mix {
  return {
    name,
    about,
    draw(random) {
      const rates = { ...drawRates(random, withinModel, 0.1), ...drawRates(random, kinds, 0.85) };
      return { ...drawSetting(random, rates), ...change };
    },
  };
}

/** What may be another generation's in the middle. */
const lastingWorkloads = [...commonWorkloads.map(({ name }) => name), "meeting", "joining", "looping"];

const gateRates: Rates = { busLate: 0.3, busTwice: 0.3, crashActor: 0.006 };

/** Every mix, by name. */
export const mixes: readonly Mix[] = [
  {
    name: "swarm",
    about: "every seed draws a third of the faults within the model",
    seldom: ["cycling", "flooding"],
    draw: (random) => {
      const rates = { ...drawRates(random, withinModel, 0.33), ...drawRates(random.fork("sharp"), sharp, 0.1) };
      const apart = random.fork("savepoints");
      const savepoints = apart.below(8) === 0 ? savepointRate : 0;
      return drawSetting(random, savepoints === 0 ? rates : { ...rates, savepoints });
    },
  },
  {
    name: "calm",
    about: "no faults at all: what fails here needs none",
    draw: (random) => drawSetting(random, {}),
  },
  focus("zombies", "processes that stand still and go on, two leaders, cut off from the Bus", [
    "pauseWorker",
    "pauseLeader",
    "busCut",
    "busLate",
    "slowWorker",
    "appendLate",
    "readerSlow",
  ]),
  focus("acks", "appends that are lost, late, doubled, overtaken, refused or denied", [
    "ackLost",
    "appendLost",
    "appendLate",
    "appendTwice",
    "appendOvertaken",
    "appendRefused",
    "appendDenied",
    "crashActor",
  ]),
  focus(
    "snapshots",
    "crashes around snapshots, with stores that fail",
    [
      "crashActor",
      "crashWorker",
      "registerLost",
      "registerStale",
      "blobFails",
      "blobTorn",
      "blobDenied",
      "blobListStale",
      "blobSlow",
      "callLost",
    ],
    { snapshotBytes: 200, snapshotIntervalMs: 300 },
  ),
  focus(
    "leaders",
    "leaders that die, stand still or are not heard",
    ["crashLeader", "pauseLeader", "busLost", "busTwice", "busLate", "busCut", "readerSlow"],
    { workers: 3 },
  ),
  focus(
    "moves",
    "workers that come and go",
    ["moves", "commands", "crashWorker", "slowWorker", "clockDrift", "clockJump"],
    {
      workers: 3,
      partitions: 3,
    },
  ),
  focus("outages", "a place that cannot be reached", ["placeDown", "callLost", "busCut", "sourceFails", "sinkFails"]),
  focus(
    "rooms",
    "inboxes that are full, for data, watermarks and fences",
    ["sinkSlow", "appendFull", "slowWorker", "crashActor"],
    {
      inboxBytes: 8_192,
      reserveBytes: 16_384,
      snapshotBytes: 512,
      frameBytes: 64,
    },
  ),
  {
    ...focus("idle", "splits that pause, and processes that fail meanwhile", [
      "crashActor",
      "pauseWorker",
      "pauseLeader",
      "crashLeader",
      "busLost",
      "busLate",
      "busTwice",
      "readerSlow",
    ]),
    workloads: ["idling"],
  },
  beyond("tail-loss", "logs that forget messages that they have acknowledged", [
    "tailLost",
    "logRecreated",
    "crashActor",
    "crashWorker",
    "readerSlow",
    "sinkSlow",
  ]),
  beyond("lost-blobs", "snapshots that are not what was written", ["blobFlipped", "blobsWiped"]),
  beyond("skips", "readers that leave messages out", ["readerSkips", "readerClamped"]),
  {
    name: "calls",
    about: "asynchronous calls and batch turns, under any faults within the model",
    workloads: ["asking"],
    draw(random) {
      const setting = drawSetting(random, drawRates(random, withinModel, 0.33));
      const isTight = random.below(3) === 0;
      return isTight ? { ...setting, inboxBytes: 8_192, reserveBytes: 16_384, snapshotBytes: 512 } : setting;
    },
  },
  {
    ...focus("failures", "steps that throw when they have done everything; clocks that jump", [
      "clockJump",
      "clockDrift",
      "crashActor",
      "readerSlow",
      "appendTwice",
      "moves",
    ]),
    workloads: ["failing"],
  },
  {
    name: "gates",
    about:
      "splits that pause while what they have said is not in the logs, lanes that hold little, and reports that come late",
    workloads: ["idling"],
    draw(random) {
      const kinds: readonly FaultKind[] = ["appendLost", "ackLost", "appendLate", "busLate", "busTwice", "crashActor"];
      const often = kinds.filter(() => random.next() < 0.6);
      const rates = Object.fromEntries(often.map((kind) => [kind, gateRates[kind] ?? 0.1]));
      const laneBytes = [128, 1_024, 64 * 1_024][random.below(3)] ?? 128;
      const small = { inboxBytes: 8_192, reserveBytes: 16_384, snapshotBytes: 512, frameBytes: 64, laneBytes };
      return { ...drawSetting(random, rates), ...small };
    },
  },
  focus(
    "brim",
    "inboxes without any reserve, lanes that hold little, and snapshots that take their time",
    ["blobSlow", "sinkSlow", "slowWorker", "crashActor", "crashWorker"],
    {
      inboxBytes: 4_096,
      reserveBytes: 128,
      snapshotBytes: 1_024,
      frameBytes: 512,
      laneBytes: 1_024,
      snapshotIntervalMs: 4_000,
    },
  ),
  {
    name: "crowds",
    about: "bursts into inboxes of a few frames, whose snapshots take seconds, and large results of calls",
    workloads: ["counting", "failing"],
    draw(random) {
      const rates = { ...drawRates(random, withinModel, 0.05), blobSlow: 0.2 };
      const sizes = { inboxBytes: 4_096, reserveBytes: 128, snapshotBytes: 1_024, frameBytes: 800, laneBytes: 4_096 };
      return { ...drawSetting(random, rates), ...sizes, partitions: 1, snapshotIntervalMs: 300, faultsMs: 10_000 };
    },
  },
  {
    name: "shifts",
    about: "instances that move all the time, and may hardly ever crash",
    draw(random) {
      const rates = { moves: 0.006, commands: 0.0005, crashActor: 0.0005 };
      const setting = drawSetting(random, rates);
      return {
        ...setting,
        workers: 3,
        partitions: 3,
        snapshotBytes: 64 * 1024,
        snapshotIntervalMs: 20_000,
        restartsMax: 3,
        crashesMax: 3,
      };
    },
  },
  {
    name: "circles",
    about: "records that are dealt in turn, and state that comes back to what it was, while deletions are late",
    draw(random) {
      const rates = { ...drawRates(random, withinModel, 0.05), deleteLate: 0.2, crashActor: 0.002 };
      return { ...drawSetting(random, rates), faultsMs: 10_000, snapshotBytes: 200, snapshotIntervalMs: 300 };
    },
    workloads: ["cycling"],
  },
  {
    ...focus(
      "floods",
      "more due at once than one slice fires",
      ["appendLost", "ackLost", "appendRefused", "crashActor"],
      {
        inboxBytes: 2 * 1024 * 1024,
      },
    ),
    workloads: ["flooding"],
  },
  {
    ...focus(
      "inputs",
      "operators with two inputs, and windows that merge",
      ["crashActor", "crashWorker", "crashLeader", "appendLost"],
      {
        snapshotBytes: 200,
        snapshotIntervalMs: 300,
      },
    ),
    workloads: ["meeting", "joining"],
  },
  {
    ...focus(
      "rounds",
      "loops, and reports of them that are late, doubled and lost",
      ["readerSlow", "busLate", "busTwice", "busLost", "crashActor", "crashWorker", "crashLeader", "moves"],
      { snapshotBytes: 200, snapshotIntervalMs: 300 },
    ),
    workloads: ["looping"],
  },
  {
    name: "fleets",
    about: "workers that are drained, join and leave, and loads that change, while leaders come and go",
    draw(random) {
      const rates = { ...drawRates(random, withinModel, 0.05), drains: 0.0005, loads: 0.003, moves: 0.0005 };
      return { ...drawSetting(random, rates), workers: 3, partitions: 3, faultsMs: 6_000 };
    },
  },
  {
    name: "quarantine",
    about: "a host on which everything crashes, and a job that may hardly ever crash",
    draw(random) {
      const rates = { badHost: 0.002, loads: 0.005, ...drawRates(random, ["busLate", "busTwice", "readerSlow"], 0.3) };
      const change = { workers: 3, partitions: 3, faultsMs: 15_000, restartsMax: 4 };
      return { ...drawSetting(random, rates), ...change };
    },
  },
  {
    name: "rivals",
    about: "incarnations that speak beside their successors, unknown to the leader",
    draw(random) {
      const rates = { ...drawRates(random, withinModel, 0.05), replaced: 0.006 };
      const change = { workers: 3, faultsMs: 10_000, snapshotBytes: 200, snapshotIntervalMs: 300 };
      return { ...drawSetting(random, rates), ...change };
    },
    workloads: ["windows", "diamond", "lateness"],
  },
  {
    name: "revenants",
    about:
      "processes that are heard of no more in the middle of a snapshot, and go on when others have trimmed what they were about to read",
    draw(random) {
      const rates = { ...drawRates(random, withinModel, 0.05), linkDown: 0.006, blobSlow: 0.3, readerSlow: 0.4 };
      const change = { workers: 3, faultsMs: 15_000, snapshotBytes: 200, snapshotIntervalMs: 2_000 };
      return { ...drawSetting(random, rates), ...change };
    },
    workloads: ["windows", "diamond", "lateness"],
  },
  {
    ...beyond("blackouts", "everybody is gone at once, and with them what logs have acknowledged", ["blackout"], {
      snapshotBytes: 200,
      snapshotIntervalMs: 300,
    }),
  },
  {
    name: "savepoints",
    about: "savepoints one after the other, of jobs to which some things happen meanwhile",
    draw(random) {
      const share = [0, 0.05, 0.2][random.below(3)] ?? 0;
      const rates = { ...drawRates(random, withinModel, share), savepoints: savepointRate };
      return { ...drawSetting(random, rates), faultsMs: 8_000, snapshotBytes: 400 };
    },
  },
  {
    name: "freezes",
    about: "savepoints of jobs whose instances crash and move, and whose leaders do",
    draw(random) {
      const rates = {
        crashActor: 0.003,
        crashWorker: 0.001,
        crashLeader: 0.001,
        moves: 0.002,
        savepoints: savepointRate,
      };
      return { ...drawSetting(random, rates), workers: 2, faultsMs: 8_000, snapshotIntervalMs: 1_000 };
    },
  },
  {
    name: "restores",
    about: "programs that begin from a savepoint of the one before, with another number of partitions",
    workloads: lastingWorkloads,
    draw(random) {
      const share = [0, 0.05, 0.2][random.below(3)] ?? 0;
      const rates = { ...drawRates(random, withinModel, share), restores: 0.003 };
      const change = { faultsMs: 8_000, snapshotBytes: 400, snapshotIntervalMs: [300, 4_000][random.below(2)] ?? 300 };
      const setting = { ...drawSetting(random, rates), ...change };
      // Who is slow to commit may be gone before it has.
      return random.below(3) === 0 ? { ...setting, rates: { ...rates, sinkSlow: 0.2 } } : setting;
    },
  },
  {
    name: "upgrades",
    about: "programs that take the place of others, or do not come up, while whoever upgrades, leaders and workers die",
    workloads: lastingWorkloads,
    draw(random) {
      const share = [0, 0.05, 0.2][random.below(3)] ?? 0;
      const crashes = random.below(2) === 0 ? { crashActor: 0.001, crashWorker: 0.001, crashLeader: 0.001 } : {};
      const rates = { ...drawRates(random, withinModel, share), ...crashes, upgrades: 0.003 };
      const change = { faultsMs: 8_000, snapshotBytes: 400, snapshotIntervalMs: [300, 4_000][random.below(2)] ?? 300 };
      return { ...drawSetting(random, rates), ...change };
    },
  },
  {
    name: "slow",
    about: "workers that take their time: turns between the slices of a snapshot",
    workloads: ["counting", "windows", "timing", "lateness"],
    draw(random) {
      const rates = { ...drawRates(random, withinModel, 0.05), slowWorker: 0.006, crashActor: 0.006 };
      // Everything in one place: keys of many segments are changed together.
      const change = { workers: 2, partitions: 1, snapshotBytes: 400, snapshotIntervalMs: 300, frameBytes: 64 };
      return { ...drawSetting(random, rates), ...change };
    },
  },
  {
    name: "epitaphs",
    about: "reports of incarnations that have crashed, heard when their successors speak",
    workloads: ["idling"],
    draw(random) {
      const rates = { busLate: 0.3, busTwice: 0.6, crashActor: 0.01 };
      return { ...drawSetting(random, rates), workers: 2, partitions: 1, faultsMs: 15_000 };
    },
  },
  {
    name: "echoes",
    about: "reports that are heard again, when their instances have said something else",
    workloads: ["idling"],
    draw(random) {
      const rates = { ...drawRates(random, withinModel, 0.05), busTwice: 0.6 };
      return { ...drawSetting(random, rates), workers: 2, faultsMs: 10_000 };
    },
  },
];

/** The mix of that name; undefined when there is none. */
export function mixOf(name: string): Mix | undefined {
  return mixes.find((mix) => mix.name === name);
}
