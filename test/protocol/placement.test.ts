/** The specification of placement: who hosts what, decided from facts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instanceKey } from "../../framework/protocol/job-log.ts";
import { place, type Placement, type PlacementFacts, type WorkerStanding } from "../../framework/protocol/placement.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import type { InstanceId } from "../../framework/record/messages.ts";

function instancesOf(count: number): InstanceId[] {
  return Array.from({ length: count }, (_, at) => ({ stage: at % 2, partition: Math.floor(at / 2) }));
}

function facts(count: number, workers: string, owners: Readonly<Record<string, string>>, movesMax = 2): PlacementFacts {
  const names = workers.split(" ").filter((name) => name !== "");
  return {
    instances: instancesOf(count),
    workers: names.map((name) => ({ worker: name.replace("-", ""), isLeaving: name.endsWith("-") })),
    current: (id) => owners[instanceKey(id)],
    movesMax,
  };
}

function lines(placements: readonly Placement[]): string[] {
  return placements.map(({ instance, worker, cause }) => `${instanceKey(instance)} ${worker} ${cause}`);
}

describe("P1: what has no living worker is placed now", () => {
  test("P1: a first start spreads over all workers, however many moves are allowed", () => {
    expect(lines(place(facts(4, "a b", {}, 0)))).toEqual(["0/0 a start", "0/1 b start", "1/0 a start", "1/1 b start"]);
  });

  test("P1: what a lost worker had goes to the least loaded", () => {
    const owners = { "0/0": "a", "1/0": "a", "0/1": "b", "1/1": "dead" };
    expect(lines(place(facts(4, "a b", owners)))).toEqual(["1/1 b workerLost"]);
  });

  test("P1: without a worker to give to nothing is placed", () => {
    expect(place(facts(4, "", {}))).toEqual([]);
    expect(place(facts(4, "a-", {}))).toEqual([]);
  });
});

describe("P2: a leaving worker gets nothing and loses all it has", () => {
  const owners = { "0/0": "a", "1/0": "a", "0/1": "b", "1/1": "b" };

  test("P2: what works there moves as one of few: each pauses for its own move", () => {
    expect(place(facts(4, "a- b", owners, 0))).toEqual([]);
    expect(lines(place(facts(4, "a- b", owners, 1)))).toEqual(["0/0 b balance"]);
  });

  test("P2: what it has let go of moves at once, whatever the limit of moves", () => {
    expect(lines(place(facts(4, "a- b", { "0/1": "b", "1/1": "b" }, 0)))).toEqual(["0/0 b start", "1/0 b start"]);
  });
});

describe("P10: of what works, a worker gives or takes one at a time", () => {
  const four = { "0/0": "a", "1/0": "a", "0/1": "b", "1/1": "b" };

  test("P10: when it goes, and when it is given what others lose", () => {
    expect(lines(place(facts(4, "a- b c d", { ...four, "1/1": "c" }, 2)))).toEqual(["0/0 d balance"]);
    expect(lines(place(facts(4, "a- b- c", four, 2)))).toEqual(["0/0 c balance"]);
    expect(lines(place(facts(4, "a- b- c d", four, 2)))).toEqual(["0/0 c balance", "0/1 d balance"]);
    expect(place({ ...facts(4, "a- b", four, 2), receiving: new Set(["b"]) })).toEqual([]);
  });

  test("P10: for balance", () => {
    const six = { "0/0": "a", "1/0": "a", "0/1": "a", "1/1": "b", "0/2": "b", "1/2": "b" };
    expect(lines(place(facts(6, "a b c", { ...six, "1/1": "a" }, 2)))).toEqual(["1/1 c balance"]);
    expect(lines(place(facts(6, "a b c d", six, 2)))).toEqual(["1/0 d balance", "1/2 c balance"]);
    expect(place({ ...facts(6, "a b", { ...six, "0/2": "a", "1/1": "a" }, 2), receiving: new Set(["b"]) })).toEqual([]);
  });
});

describe("P3: what has a place keeps it", () => {
  test("P3: a difference of one moves nothing", () => {
    expect(place(facts(3, "a b", { "0/0": "a", "1/0": "a", "0/1": "b" }))).toEqual([]);
  });

  const owners = { "0/0": "a", "1/0": "a", "0/1": "a", "1/1": "a", "0/2": "a", "1/2": "a" };

  test("P3: new workers are filled, one move at a time", () => {
    expect(lines(place(facts(6, "a b", owners, 2)))).toEqual(["1/2 b balance"]);
    expect(lines(place(facts(6, "a b c d", owners, 2)))).toEqual(["1/2 d balance"]);
  });

  test("P3: nothing more moves to a worker before what has moved there works", () => {
    expect(place({ ...facts(6, "a b", owners, 2), receiving: new Set(["b"]) })).toEqual([]);
  });
});

interface Said {
  readonly name: string;
  readonly zone?: string;
  readonly capacity?: number;
  readonly standing?: WorkerStanding;
}

/** Instances of one stage with loads, on named workers. */
function loaded(
  workers: readonly Said[],
  loads: readonly number[],
  owners: readonly (string | undefined)[],
  movesMax = 2,
) {
  const instances = loads.map((_, partition) => ({ stage: 0, partition }));
  return {
    instances,
    workers: workers.map(({ name, ...said }) => ({ worker: name, isLeaving: false, ...said })),
    current: ({ partition }: InstanceId) => owners[partition],
    busyOf: ({ partition }: InstanceId) => loads[partition],
    movesMax,
  };
}

/** Carries out what is decided until nothing is, `roundsMax` times at most; `again` gives the loads of the next round. */
function settled(
  begun: PlacementFacts,
  roundsMax: number,
  again: (found: PlacementFacts) => PlacementFacts = (one) => one,
) {
  let now = begun;
  let moves = 0;
  const been: string[] = [];
  for (let round = 1; round <= roundsMax; round += 1) {
    const decided = place(now);
    if (decided.length > 0) been.push(now.instances.map((id) => now.current(id)).join());
    moves += decided.length;
    now = again(after(now, decided));
  }
  return { now, moves, been };
}

function countsOf({ instances, workers, current }: PlacementFacts): Record<string, number> {
  return Object.fromEntries(
    workers.map(({ worker }) => [worker, instances.filter((id) => current(id) === worker).length]),
  );
}

describe("P2: who is drained or in quarantine gives all it has away, few at a time", () => {
  const standing = (one: WorkerStanding) => [{ name: "a", standing: one }, { name: "b" }, { name: "c" }];

  test.each(["drained", "quarantine"] as const)(
    "P2: %s: one at a time, to the others, and it is given nothing",
    (one) => {
      const found = loaded(standing(one), [0, 0, 0, 0], ["a", "a", "a", undefined]);
      expect(lines(place(found))).toEqual(["0/3 b start", "0/0 c balance"]);
      expect(countsOf(settled(found, 5).now)).toEqual({ a: 0, b: 2, c: 2 });
    },
  );

  test("P2: with moves enough under way it keeps the rest", () => {
    expect(place(loaded(standing("drained"), [0, 0], ["a", "a"], 0))).toEqual([]);
  });

  test("P6: in quarantine all the same, when there is nobody else; drained, never", () => {
    const alone = (one: WorkerStanding) => loaded([{ name: "a", standing: one }], [0, 0], [undefined, "a"]);
    expect(lines(place(alone("quarantine")))).toEqual(["0/0 a start"]);
    expect(place(alone("drained"))).toEqual([]);
    const both = loaded(
      [
        { name: "a", standing: "drained" },
        { name: "b", standing: "quarantine" },
      ],
      [0, 0],
      ["a", "a"],
    );
    expect(countsOf(settled(both, 5).now)).toEqual({ a: 0, b: 2 });
  });
});

describe("P9: a worker that warms up", () => {
  const warming = { name: "b", standing: "warming" as const };

  test("P9: it is given nothing while another one is open, be it for balance, or because somebody has died", () => {
    expect(place(loaded([{ name: "a" }, warming], [0, 0, 0, 0], ["a", "a", "a", "a"]))).toEqual([]);
    expect(lines(place(loaded([{ name: "a" }, warming], [0, 0], ["a", "gone"])))).toEqual(["0/1 a workerLost"]);
  });

  test("P9: when there is nobody else it is used, and before one in quarantine", () => {
    expect(lines(place(loaded([warming], [0], [undefined])))).toEqual(["0/0 b start"]);
    const both = loaded([{ name: "a", standing: "quarantine" }, warming], [0], [undefined]);
    expect(lines(place(both))).toEqual(["0/0 b start"]);
  });
});

describe("P11: while a worker warms up", () => {
  const workers: readonly Said[] = [{ name: "a" }, { name: "b" }, { name: "c", standing: "warming" }];

  test("P11: nothing moves for balance, among the others either", () => {
    expect(place(loaded(workers, [0, 0, 0, 0], ["a", "a", "a", "a"]))).toEqual([]);
    const open = [{ name: "a" }, { name: "b" }, { name: "c" }];
    expect(place(loaded(open, [0, 0, 0, 0], ["a", "a", "a", "a"]))).toHaveLength(1);
  });

  test("P11: what has no place, or cannot stay where it is, moves all the same", () => {
    expect(lines(place(loaded(workers, [0, 0], ["a", "gone"])))).toEqual(["0/1 b workerLost"]);
    const drained: readonly Said[] = [{ name: "a", standing: "drained" }, ...workers.slice(1)];
    expect(lines(place(loaded(drained, [0], ["a"])))).toEqual(["0/0 b balance"]);
  });
});

describe("P3: by measured load", () => {
  const two = [{ name: "a" }, { name: "b" }];

  test("P3: one that is heavy is left alone with it, and the light ones go together", () => {
    const { now } = settled(loaded(two, [0.8, 0.1, 0.1, 0.1], ["a", "a", "b", "b"]), 10);
    expect(countsOf(now)).toEqual({ a: 1, b: 3 });
  });

  test("P3: a difference that is not worth a move is left as it is", () => {
    expect(place(loaded(two, [0.3, 0.3, 0.3, 0.2], ["a", "a", "b", "b"]))).toEqual([]);
    expect(place(loaded(two, [0.5, 0.3], ["a", "b"]))).toEqual([]);
  });

  test("P3: a worker of twice the capacity gets twice the load", () => {
    const workers = [
      { name: "a", capacity: 1 },
      { name: "b", capacity: 2 },
    ];
    const start = loaded(
      workers,
      [0, 0, 0, 0, 0, 0],
      Array.from({ length: 6 }, () => undefined),
    );
    expect(countsOf(settled(start, 1).now)).toEqual({ a: 2, b: 4 });
    const uneven = loaded(workers, [0.2, 0.2, 0.2, 0.2, 0.2, 0.2], ["a", "a", "a", "a", "a", "a"]);
    expect(countsOf(settled(uneven, 10).now)).toEqual({ a: 2, b: 4 });
  });

  test("P3: two that are as heavy do not hand a light one to and fro when their loads vary, where others are idle", () => {
    const workers = ["a", "b", "c", "d", "e"].map((name) => ({ name }));
    const found = (loads: readonly number[]) => ({
      ...loaded(workers, loads, ["a", "b", "b", "c", "d", "e"]),
      avoids: ({ partition }: InstanceId, worker: string) => partition === 2 && worker > "b",
    });
    expect(place(found([0.9, 1.1, 0, 0, 0, 0]))).toEqual([]);
    expect(lines(place(found([0.7, 1.1, 0, 0, 0, 0])))).toEqual(["0/2 a balance"]);
  });

  test("P3: what has not been measured counts like the others of its stage", () => {
    const found = loaded(two, [0.4, 0.4, 0.4, 0.4], ["a", "a", "b", undefined]);
    const half = { ...found, busyOf: (id: InstanceId) => (id.partition % 2 === 0 ? 0.4 : undefined) };
    expect(lines(place(half))).toEqual(["0/3 b start"]);
  });

  test("P3: with loads that vary by a tenth it comes to rest: it never goes back to where it has been", () => {
    const weighed = fc.record({
      loads: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 16 }),
      workers: fc.integer({ min: 1, max: 5 }),
      capacities: fc.array(fc.constantFrom(0.5, 1, 1, 2), { minLength: 5, maxLength: 5 }),
      zones: fc.array(fc.constantFrom("", "", "east", "west"), { minLength: 5, maxLength: 5 }),
      owners: fc.array(fc.nat(4), { minLength: 16, maxLength: 16 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(weighed, ({ loads, workers, capacities, zones, owners, seed }) => {
        const random = seededRandom(seed);
        const names = ["a", "b", "c", "d", "e"].slice(0, workers);
        const said = names.map((name, at) => ({ name, capacity: capacities[at]!, zone: zones[at]! }));
        const noisy = (found: PlacementFacts): PlacementFacts => {
          const now = loads.map((load) => load * (0.9 + 0.2 * random.next()));
          return { ...found, busyOf: ({ partition }) => now[partition] };
        };
        const start = loaded(
          said,
          loads,
          owners.map((owner) => names[owner % workers]),
        );
        const { moves, been } = settled(start, 150, noisy);
        expect(new Set(been).size).toBe(been.length);
        expect(moves).toBeLessThanOrEqual(3 * loads.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe("P8: a source is the last to move for balance", () => {
  const sources = (owners: readonly string[], isSource: (partition: number) => boolean) => ({
    ...loaded(
      [{ name: "a" }, { name: "b" }],
      owners.map(() => 0.2),
      owners,
      9,
    ),
    isSource: ({ partition }: InstanceId) => isSource(partition),
  });

  test("P8: others move while they can bring burdens closer; without others, it moves", () => {
    const owners = ["a", "a", "a", "a"];
    expect(lines(place(sources(owners, (partition) => partition >= 2)))).toEqual(["0/1 b balance"]);
    expect(lines(place(sources(["b", "b", "a", "a", "a", "a"], (partition) => partition >= 2)))).toEqual([
      "0/5 b balance",
    ]);
    expect(lines(place(sources(owners, () => true)))).toEqual(["0/3 b balance"]);
  });
});

describe("P7: where it has crashed lately an instance is not put", () => {
  const avoiding = (owners: readonly (string | undefined)[], names = "a b") => ({
    ...loaded(
      names.split(" ").map((name) => ({ name })),
      owners.map(() => 0),
      owners,
    ),
    avoids: ({ partition }: InstanceId, worker: string) => partition < 2 && worker === "a",
  });

  test("P7: neither at a start nor for balance, while there is another place", () => {
    expect(lines(place(avoiding([undefined, undefined])))).toEqual(["0/0 b start", "0/1 b start"]);
    expect(place(avoiding(["b", "b"]))).toEqual([]);
    expect(lines(place(avoiding(["b", "b", "b", "b"])))).toEqual(["0/3 a balance"]);
  });

  test("P7: what it has it keeps, and without another place it is put there", () => {
    expect(place(avoiding(["a", "b"]))).toEqual([]);
    expect(lines(place(avoiding([undefined], "a")))).toEqual(["0/0 a start"]);
  });
});

describe("P5: the instances of a stage are spread over the zones", () => {
  const four = [
    { name: "a", zone: "east" },
    { name: "b", zone: "east" },
    { name: "c", zone: "east" },
    { name: "d", zone: "west" },
  ];

  test("P5: a first start gives no zone more than its share by capacity", () => {
    const start = loaded(four, [0, 0, 0, 0], [undefined, undefined, undefined, undefined]);
    expect(countsOf(settled(start, 1).now)).toEqual({ a: 1, b: 1, c: 1, d: 1 });
    const even = loaded(
      [four[0]!, four[3]!],
      [0, 0, 0, 0, 0],
      Array.from({ length: 5 }, () => undefined),
    );
    expect(countsOf(settled(even, 1).now)).toEqual({ a: 3, d: 2 });
  });

  test("P5: a zone that has come is given its share of each stage, though loads do not ask for it", () => {
    const found = loaded([four[0]!, four[3]!], [0.9, 0, 0, 0], ["a", "d", "d", "d"]);
    expect(countsOf(settled(found, 10).now)).toEqual({ a: 2, d: 2 });
  });

  test("P5: a load does not move into a zone that has its share of the stage", () => {
    const found = loaded([four[0]!, four[3]!], [0.5, 0.5, 0, 0], ["a", "a", "d", "d"]);
    expect(countsOf(settled(found, 10).now)).toEqual({ a: 2, d: 2 });
  });
});

const situation = fc.record({
  count: fc.nat(24),
  workers: fc.uniqueArray(
    fc.record({ worker: fc.constantFrom("a", "b", "c", "d", "e", "f"), isLeaving: fc.boolean() }),
    {
      selector: ({ worker }) => worker,
    },
  ),
  owners: fc.array(fc.option(fc.constantFrom("a", "b", "c", "d", "e", "f", "gone", "dead"), { nil: undefined }), {
    minLength: 24,
    maxLength: 24,
  }),
  movesMax: fc.nat(4),
});

type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never;

function factsOf({ count, workers, owners, movesMax }: Situation): PlacementFacts {
  const instances = instancesOf(count);
  const owned = new Map(instances.map((id, at) => [instanceKey(id), owners[at]]));
  return { instances, workers, movesMax, current: (id) => owned.get(instanceKey(id)) };
}

/** The same facts after `placements` have been carried out. */
function after(before: PlacementFacts, placements: readonly Placement[]): PlacementFacts {
  const owners = new Map(before.instances.map((id) => [instanceKey(id), before.current(id)]));
  for (const { instance, worker } of placements) owners.set(instanceKey(instance), worker);
  return { ...before, current: (id) => owners.get(instanceKey(id)) };
}

function loadsOf({ instances, workers, current }: PlacementFacts): number[] {
  return workers
    .filter(({ isLeaving }) => !isLeaving)
    .map(({ worker }) => instances.filter((id) => current(id) === worker).length);
}

describe("whatever the situation", () => {
  test("P1, P2: afterwards every instance is on a worker that lives and stays, if there is one; what works at one that goes follows, one to each worker", () => {
    fc.assert(
      fc.property(situation, (one) => {
        const before = factsOf(one);
        const staying = new Set<string>(one.workers.filter(({ isLeaving }) => !isLeaving).map(({ worker }) => worker));
        const placements = place(before);
        const { current } = after(before, placements);
        expect(new Set(placements.map(({ instance }) => instanceKey(instance))).size).toBe(placements.length);
        const unplaced = before.instances.filter((id) => !staying.has(current(id) ?? ""));
        const living = new Set<string>(one.workers.map(({ worker }) => worker));
        const isAtWork = (id: InstanceId) => living.has(before.current(id) ?? "");
        expect(staying.size === 0 ? placements : unplaced.filter((id) => !isAtWork(id))).toEqual([]);
        const cleared = placements.filter(
          ({ instance }) => isAtWork(instance) && !staying.has(before.current(instance) ?? ""),
        );
        expect(cleared.length).toBeLessThanOrEqual(one.movesMax);
        expect(new Set(cleared.map(({ worker }) => worker)).size).toBe(cleared.length);
        const canMove = staying.size > 0 && one.movesMax > 0;
        expect(canMove && unplaced.length > 0 && cleared.length === 0).toBe(false);
      }),
    );
  });

  test("P3: of what has a good place at most movesMax move, and only from a worker that has two more", () => {
    fc.assert(
      fc.property(situation, (one) => {
        const before = factsOf(one);
        const staying = new Set<string>(one.workers.filter(({ isLeaving }) => !isLeaving).map(({ worker }) => worker));
        const moves = place(before).filter(({ instance }) => staying.has(before.current(instance) ?? ""));
        expect(moves.length).toBeLessThanOrEqual(one.movesMax);
        const spread = Math.max(...loadsOf(before)) - Math.min(...loadsOf(before));
        expect(moves.length === 0 || spread >= 2).toBe(true);
      }),
    );
  });

  test("P3: repeated, it comes to rest with loads that differ by one at most", () => {
    fc.assert(
      fc.property(situation, (one) => {
        let now = factsOf({ ...one, movesMax: 1 + one.movesMax });
        for (let round = 0; round < 30; round += 1) now = after(now, place(now));
        expect(place(now)).toEqual([]);
        expect(Math.max(...loadsOf(now)) - Math.min(...loadsOf(now))).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("P4: the order in which the facts are given changes nothing", () => {
    fc.assert(
      fc.property(situation, (one) => {
        const { instances, workers, ...rest } = factsOf(one);
        const turned = { ...rest, instances: instances.toReversed(), workers: workers.toReversed() };
        expect(place(turned)).toEqual(place({ ...rest, instances, workers }));
      }),
    );
  });
});
