import { describe, expect, test } from "vitest";
import { average, count } from "../../framework/operator/aggregates.ts";
import { sliding, tumbling } from "../../framework/window/assigner.ts";
import { type Job, job } from "../../framework/api/job.ts";
import type { SourceSpec } from "../../framework/log/source.ts";
import type { OperatorFactory } from "../../framework/operator/contract.ts";
import { compile } from "../../framework/plan/compile.ts";
import { embeddedDefaults, jobDefaults } from "../../framework/plan/options.ts";
import type { Program, ProgramNode } from "../../framework/plan/program.ts";
import { codecNamed, expectRefusal, outline, pushed, type Reading, readings, sink } from "./doubles.ts";

const at = (r: Reading): number => r.at;
const device = (r: Reading): string => r.device;
const same = (r: Reading): Reading => r;
const operator: OperatorFactory = {
  kind: "nothing",
  description: "",
  keyed: false,
  eventTime: false,
  outputTimestamps: "same",
  create: () => ({ process: () => undefined }),
};
const own = { of: at, outOfOrdernessMs: 5000 };

describe("what a plan says of the whole job", () => {
  test("it has the job's name, options and version", () => {
    const plant = job("plant", { partitions: 3, version: "7" });
    plant.source("readings", readings()).to(sink("out"));
    const plan = compile(plant, { version: "sha" });
    expect(plan).toMatchObject({ job: "plant", version: "7", options: { ...jobDefaults, partitions: 3 } });
  });

  test("where the job says nothing, its surroundings do", () => {
    const plant = job("plant");
    plant.source("readings", readings()).to(sink("out"));
    const plan = compile(plant, { version: "sha", defaults: embeddedDefaults });
    expect(plan).toMatchObject({ version: "sha", options: embeddedDefaults });
  });

  test("compiled again it is the same plan", () => {
    const plant = job("plant");
    const source = plant.source("readings", readings(own));
    source.union(source).keyBy(device).window(tumbling("1m")).aggregate(count()).to(sink("out"));
    expect(outline(compile(plant))).toEqual(outline(compile(plant)));
  });

  test("wrong options are refused with the job's name", () => {
    const plant = job("plant", { partitions: 0 });
    plant.source("readings", readings()).to(sink("out"));
    expectRefusal(() => compile(plant), 'job "plant"', "partitions is 0");
  });
});

describe("stages", () => {
  test("stateless operators are chained into the stage of their source", () => {
    const plant = job("plant");
    plant
      .source("readings", readings())
      .map(same)
      .filter((r) => r.ok)
      .flatMap((r) => [r])
      .to(sink("out"));
    expect(outline(compile(plant))).toEqual([
      "readings > map",
      "  map > filter",
      "  filter > flat-map",
      "  flat-map > readings.out",
      "out > (out)",
    ]);
  });

  test("a source stage has an instance per split and no inputs, and a push source is read through an ingress log", () => {
    const plant = job("plant");
    plant.source("readings", readings()).to(sink("a"));
    plant.source("pushed", pushed()).to(sink("b"));
    const [replayed, , ingress] = compile(plant).stages;
    expect(replayed).toMatchObject({ index: 0, partitions: 0, inputs: [], isIngress: false });
    expect(ingress).toMatchObject({ index: 2, partitions: 0, inputs: [], isIngress: true });
    expect(replayed?.source?.description).toBe("readings()");
  });

  test("each keyed operator begins a stage, named after it, with the stateless chain behind it", () => {
    const plant = job("plant");
    plant
      .source("readings", readings(own))
      .keyBy(device)
      .window(tumbling("1m"))
      .aggregate(average((r) => r.celsius))
      .map((w) => w.value)
      .keyBy((celsius) => celsius)
      .reduce((a) => a)
      .to(sink("out"));
    const plan = compile(plant);
    expect(outline(plan)).toEqual([
      "readings > timestamps",
      "  timestamps > readings.average",
      "average > average",
      "  average > map",
      "  map > average.reduce",
      "reduce > reduce",
      "  reduce > (out)",
    ]);
    expect(plan.stages.map(({ partitions }) => partitions)).toEqual([0, 8, 8]);
    expect(plan.stages.map(({ inputs }) => inputs)).toEqual([[], [0], [1]]);
  });

  test("a stage may have partitions of its own", () => {
    const plant = job("plant", { partitions: 4 });
    const source = plant.source("readings", readings());
    source.keyBy(device, { partitions: 2 }).reduce(same).to(sink("a"));
    source.keyBy(device).reduce(same).to(sink("b"));
    expect(compile(plant).stages.map(({ partitions }) => partitions)).toEqual([0, 2, 4]);
  });

  test("C2: a stream that several take is one operator with several targets, in program order", () => {
    const plant = job("plant");
    const good = plant.source("readings", readings()).filter((r) => r.ok);
    good.to(sink("all"));
    good.keyBy(device).reduce(same).to(sink("a"));
    good.map(same).to(sink("b"));
    expect(outline(compile(plant))).toEqual([
      "readings > filter",
      "  filter > readings.all, readings.reduce, map",
      "  map > readings.b",
      "all > (all)",
      "reduce > reduce",
      "  reduce > (a)",
      "b > (b)",
    ]);
  });

  test("a keyed stream that several take is exchanged for each of them", () => {
    const plant = job("plant");
    const byDevice = plant.source("readings", readings(own)).keyBy(device);
    byDevice
      .window(tumbling("5m"))
      .aggregate(average((r) => r.celsius))
      .to(sink("a"));
    byDevice.window(sliding("60m", "1m")).aggregate(count()).to(sink("b"));
    expect(
      compile(plant)
        .edges.slice(0, 2)
        .map(({ name }) => name),
    ).toEqual(["readings.average", "readings.count"]);
  });
});

describe("edges", () => {
  test("a keyed edge has the key and the codec of its stream; the implicit edges come last", () => {
    const codec = codecNamed<Reading>("own");
    const plant = job("plant");
    plant.source("readings", readings()).encodedWith(codec).keyBy(device).reduce(same).to(sink("out"));
    const { edges, stages } = compile(plant);
    expect(edges.map(({ index, name, from, to, exchange }) => [index, name, from, to, exchange])).toEqual([
      [0, "readings.reduce", 0, 1, "keyed"],
      [1, "readings.dead", 0, "dead", "global"],
      [2, "readings.late", 0, "late", "global"],
      [3, "reduce.dead", 1, "dead", "global"],
      [4, "reduce.late", 1, "late", "global"],
    ]);
    expect(edges[0]?.key?.({ device: "a" })).toBe("a");
    expect(edges[0]?.codec).toBe(codec);
    expect(stages.map(({ deadEdge, lateEdge }) => [deadEdge, lateEdge])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test("a codec holds behind filter and timestamps, and for late records; other values need their own", () => {
    const codec = codecNamed<Reading>("own");
    const plant = job("plant");
    const encoded = plant
      .source("readings", readings())
      .encodedWith(codec)
      .timestamps(at)
      .filter((r) => r.ok);
    const windows = encoded.keyBy(device).window(tumbling("1m")).aggregate(count());
    windows.late().keyBy(device).reduce(same).named("kept").to(sink("a"));
    encoded.map(same).keyBy(device).reduce(same).named("mapped").to(sink("b"));
    const { edges } = compile(plant);
    const codecs = edges.map(({ name, codec: used }) => [name, used?.name]);
    expect(codecs).toContainEqual(["readings.count", "own"]);
    expect(codecs).toContainEqual(["count.kept", "own"]);
    expect(codecs).toContainEqual(["count.late", "own"]);
    expect(codecs).toContainEqual(["readings.mapped", undefined]);
    expect(codecs).toContainEqual(["readings.dead", undefined]);
  });
});

describe("unions", () => {
  test("C3: the branches become edges into the same next stage", () => {
    const plant = job("plant");
    const [a, b, c] = [plant.source("a", readings()), plant.source("b", readings()), plant.source("c", readings())];
    a.union(b, c).keyBy(device).reduce(same).to(sink("out"));
    const plan = compile(plant);
    expect(outline(plan)).toEqual([
      "a > a.reduce",
      "b > b.reduce",
      "c > c.reduce",
      "reduce > reduce",
      "  reduce > (out)",
    ]);
    expect(plan.stages[3]?.inputs).toEqual([0, 1, 2]);
  });

  test("C1: what follows a union stands in every branch, up to the next exchange", () => {
    const plant = job("plant");
    const [a, b] = [plant.source("a", readings()), plant.source("b", readings())];
    const both = a
      .map(same)
      .union(b)
      .filter((r) => r.ok);
    both.keyBy(device).reduce(same).to(sink("out"));
    expect(outline(compile(plant))).toEqual([
      "a > map",
      "  map > filter",
      "  filter > a.reduce",
      "b > filter-2",
      "  filter-2 > b.reduce",
      "reduce > reduce",
      "  reduce > (out)",
    ]);
  });

  test("streams of different depth unite", () => {
    const plant = job("plant");
    const a = plant.source("a", readings());
    const totals = a.keyBy(device).reduce(same).named("totals");
    a.union(totals).keyBy(device).reduce(same).named("all").to(sink("out"));
    expect(outline(compile(plant))).toEqual([
      "a > a.totals, a.all",
      "totals > totals",
      "  totals > totals.all",
      "all > all",
      "  all > (out)",
    ]);
  });

  test("C3: a stream united with itself has two edges", () => {
    const plant = job("plant");
    const a = plant.source("a", readings());
    a.union(a).keyBy(device).reduce(same).to(sink("out"));
    const plan = compile(plant);
    expect(outline(plan)[0]).toBe("a > a.reduce, a.reduce.2");
    expect(plan.stages[1]?.inputs).toEqual([0, 1]);
  });

  test("branches of one stage unite too", () => {
    const plant = job("plant");
    const a = plant.source("a", readings());
    a.filter((r) => r.ok)
      .union(a.filter((r) => !r.ok))
      .map(same)
      .to(sink("out"));
    expect(outline(compile(plant))).toEqual([
      "a > filter, filter-2",
      "  filter > map",
      "  filter-2 > map-2",
      "  map > a.out",
      "  map-2 > a.out.2",
      "out > (out)",
    ]);
  });

  test("a chained sink stands once in every stage that leads to it", () => {
    const plant = job("plant");
    const [a, b] = ["a", "b"].map((name) =>
      plant.source(name, readings()).keyBy(device).reduce(same).named(`${name}-reduced`),
    );
    a?.union(b ?? a, a).to(sink("out"));
    const plan = compile(plant);
    expect(outline(plan).filter((line) => line.startsWith("  "))).toEqual([
      "  a-reduced > (out), (out)",
      "  b-reduced > (out-2)",
    ]);
    expect(plan.stages.flatMap((stage) => stage.sinks.map(({ label }) => label))).toEqual(["out", "out"]);
  });

  test("C5: a source stage holds no sink: all source stages share one, behind forward edges", () => {
    const plant = job("plant", { partitions: 3 });
    const [a, b] = [plant.source("a", readings()), plant.source("b", readings())];
    a.union(b, a).to(sink("out"));
    const plan = compile(plant);
    expect(outline(plan)).toEqual(["a > a.out, a.out.2", "b > b.out", "out > (out)"]);
    expect(plan.stages[2]).toMatchObject({ name: "out", partitions: 3, operators: [] });
    expect(plan.edges[0]).toMatchObject({ exchange: "forward", key: undefined });
  });
});

describe("sinks", () => {
  test("a sink that writes for all is a stage of one partition behind a global edge", () => {
    const plant = job("plant");
    const [a, b] = [plant.source("a", readings()), plant.source("b", readings())];
    a.union(b).to(sink("out file", "global"));
    const plan = compile(plant);
    expect(outline(plan)).toEqual(["a > a.out-file", "b > b.out-file", "out-file > (out-file)"]);
    expect(plan.stages[2]).toMatchObject({ name: "out-file", partitions: 1, inputs: [0, 1], operators: [] });
    expect(plan.edges[0]).toMatchObject({ exchange: "global", key: undefined });
  });

  test("a job without a sink is refused", () => {
    const plant = job("plant");
    plant.source("readings", readings());
    expectRefusal(() => compile(plant), 'job "plant" has no sink', ".to(");
    expectRefusal(() => compile(job("empty")), 'job "empty" has no sink');
  });

  test("a stream that leads to no sink is refused", () => {
    const plant = job("plant");
    const source = plant.source("readings", readings(own));
    source.to(sink("out"));
    source
      .keyBy(device)
      .window(tumbling("1m"))
      .aggregate(average((r) => r.celsius));
    expectRefusal(() => compile(plant), "operator average", "leads to no sink");
  });

  test("a source that leads to no sink is refused", () => {
    const plant = job("plant");
    plant.source("readings", readings()).to(sink("out"));
    plant.source("forgotten", readings());
    expectRefusal(() => compile(plant), 'source "forgotten" leads to no sink');
  });

  test("a window of which only the late records are read leads to a sink", () => {
    const plant = job("plant");
    plant
      .source("readings", readings(own))
      .keyBy(device)
      .window(tumbling("1m"))
      .aggregate(count())
      .late()
      .to(sink("out"));
    expect(outline(compile(plant)).at(-1)).toBe("  count >  late > (out)");
  });
});

describe("late records", () => {
  test("late() goes on from the late targets of the window", () => {
    const plant = job("plant");
    const windows = plant.source("readings", readings(own)).keyBy(device).window(tumbling("1m")).aggregate(count());
    windows.to(sink("out"));
    windows.late().map(same).to(sink("late"));
    expect(outline(compile(plant)).slice(2)).toEqual([
      "count > count",
      "  count > (out) late > map",
      "  map > (late-2)",
    ]);
  });

  test("late() is still there behind a name", () => {
    const plant = job("plant");
    const windows = plant
      .source("readings", readings(own))
      .keyBy(device)
      .window(tumbling("1m"))
      .aggregate(count())
      .named("counts");
    windows.to(sink("out"));
    windows.late().to(sink("too late"));
    expect(outline(compile(plant)).at(-1)).toBe("  counts > (out) late > (too-late)");
  });

  test("late records have timestamps and may be put into windows again", () => {
    const plant = job("plant");
    const windows = plant.source("readings", readings(own)).keyBy(device).window(tumbling("1m")).aggregate(count());
    const again = windows.late().keyBy(device).window(tumbling("1h")).aggregate(count());
    windows.union(again).to(sink("out"));
    expect(compile(plant).stages.map(({ name }) => name)).toEqual(["readings", "count", "count-2"]);
  });
});

describe("timestamps", () => {
  test("C4: those of the source are taken at the start of its stage", () => {
    const plant = job("plant");
    plant.source("readings", readings(own)).map(same).to(sink("out"));
    expect(outline(compile(plant)).slice(0, 2)).toEqual(["readings > timestamps", "  timestamps > map"]);
  });

  test("C4: those of the program stand in their place", () => {
    const plant = job("plant");
    plant.source("readings", readings(own)).map(same).timestamps(at).to(sink("out"));
    expect(outline(compile(plant))).toEqual([
      "readings > map",
      "  map > timestamps",
      "  timestamps > readings.out",
      "out > (out)",
    ]);
  });

  test("a split is idle after 30 s where nobody says, else as the program says", () => {
    const [a, b, c] = [job("a"), job("b"), job("c")];
    a.source("readings", readings(own)).to(sink("out"));
    b.source("readings", readings()).timestamps(at, { idleTimeout: "2s" }).to(sink("out"));
    c.source("readings", readings()).timestamps(at, { idleTimeout: Infinity }).to(sink("out"));
    expect([a, b, c].map((each) => compile(each).stages[0]?.idleTimeoutMs)).toEqual([30_000, 2000, Infinity]);
  });

  test("each source of a union takes its own", () => {
    const plant = job("plant");
    const [a, b] = [plant.source("a", readings(own)), plant.source("b", readings())];
    a.union(b).timestamps(at).keyBy(device).window(tumbling("1m")).aggregate(count()).to(sink("out"));
    expect(outline(compile(plant)).slice(0, 4)).toEqual([
      "a > timestamps",
      "  timestamps > a.count",
      "b > timestamps-2",
      "  timestamps-2 > b.count",
    ]);
  });

  test("an event-time window without timestamps is refused, naming operator and source", () => {
    const plant = job("plant");
    plant
      .source("readings", readings())
      .keyBy(device)
      .window(tumbling("1m"))
      .aggregate(count())
      .named("n")
      .to(sink("out"));
    expectRefusal(() => compile(plant), 'operator "n"', "event time", 'source "readings"', ".timestamps(");
  });

  test("one branch of a union without timestamps is refused", () => {
    const plant = job("plant");
    const [a, b] = [plant.source("a", readings(own)), plant.source("b", readings())];
    a.union(b).keyBy(device).window(tumbling("1m")).aggregate(count()).to(sink("out"));
    expectRefusal(() => compile(plant), 'source "b" have no timestamps');
  });

  test("an event-time window behind one in processing time needs the source's timestamps all the same", () => {
    const plantOf = (source: SourceSpec<Reading>): Job => {
      const plant = job("plant");
      const counts = plant
        .source("readings", source)
        .keyBy(device)
        .window(tumbling("1m", { time: "processing" }));
      const hourly = counts
        .aggregate(count())
        .keyBy((w) => w.key)
        .window(tumbling("1h"));
      hourly.aggregate(count()).named("hourly").to(sink("out"));
      return plant;
    };
    expectRefusal(() => compile(plantOf(readings())), 'operator "hourly"', 'source "readings"');
    expect(compile(plantOf(readings(own))).stages).toHaveLength(3);
  });

  test("an event-time operator behind one that loses timestamps is refused, naming both", () => {
    const losing = { ...operator, kind: "forget", outputTimestamps: "never" } as const;
    const timed = { ...operator, kind: "window", eventTime: true } as const;
    const source: ProgramNode = { kind: "source", name: "readings", spec: readings(own) };
    const first: ProgramNode = { kind: "chained", input: source, factory: losing, keepsValues: false };
    const second: ProgramNode = { kind: "chained", input: first, factory: timed, keepsValues: false };
    const out: ProgramNode = { kind: "sink", input: second, spec: sink("out") };
    const program = { name: "plant", options: {}, nodes: [source, first, second, out], problems: [] };
    expectRefusal(() => compile(program), 'operator "window"', 'outputs of "forget" have no timestamps');
  });

  test("a window in processing time needs none", () => {
    const plant = job("plant");
    const windows = plant
      .source("readings", readings())
      .keyBy(device)
      .window(tumbling("1m", { time: "processing" }));
    windows.aggregate(count()).to(sink("out"));
    expect(compile(plant).stages).toHaveLength(2);
  });

  test("timestamps behind an exchange are refused, with where they belong", () => {
    const plant = job("plant");
    plant.source("readings", readings()).keyBy(device).reduce(same).timestamps(at).to(sink("out"));
    expectRefusal(
      () => compile(plant),
      "timestamps behind the exchange",
      'stage "reduce"',
      "directly behind the source",
    );
  });

  test.for(["branches", "path"])("timestamps in two places of one source are refused (two of one %s)", (where) => {
    const plant = job("plant");
    const source = plant.source("readings", readings());
    const first = source.timestamps(at);
    first.to(sink("a"));
    (where === "path" ? first : source).timestamps(at).to(sink("b"));
    expectRefusal(() => compile(plant), 'source "readings" is given timestamps twice', "before its branches");
  });

  test("a branch beside the program's timestamps has none", () => {
    const plant = job("plant");
    const source = plant.source("readings", readings(own));
    source.timestamps(at).to(sink("a"));
    source.keyBy(device).window(tumbling("1m")).aggregate(count()).to(sink("b"));
    expectRefusal(() => compile(plant), 'operator "count', "directly behind it");
  });
});

describe("programs that were tampered with", () => {
  const source: ProgramNode = { kind: "source", name: "readings", spec: readings() };

  function programOf(...nodes: readonly ProgramNode[]): Program {
    return { name: "plant", options: {}, nodes, problems: [] };
  }

  test("streams of another job are refused", () => {
    const [a, b] = [job("plant"), job("other")];
    a.source("readings", readings()).union(b.source("readings", readings())).to(sink("out"));
    expectRefusal(() => compile(a), 'job "plant"', "a stream of another job");
  });

  test("a cycle is refused", () => {
    const inputs: ProgramNode[] = [source];
    const union: ProgramNode = { kind: "union", inputs };
    const out: ProgramNode = { kind: "sink", input: union, spec: sink("out") };
    inputs.push(union);
    expectRefusal(() => compile(programOf(source, union, out)), "cycle", "union");
  });

  test("a cycle of names is refused", () => {
    const first = { kind: "named", input: source, name: "a" } as const;
    const second: ProgramNode = { kind: "named", input: first, name: "b" };
    (first as { input: ProgramNode }).input = second;
    expectRefusal(() => compile(programOf(source, first, second)), "cycle");
  });
});
