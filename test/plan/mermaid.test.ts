import { expect, test } from "vitest";
import { job } from "../../framework/api/job.ts";
import { count } from "../../framework/operator/aggregates.ts";
import { compile } from "../../framework/plan/compile.ts";
import { describeMermaid } from "../../framework/plan/mermaid.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { readings, sink } from "./doubles.ts";

test("a plan as a flowchart: stages around their operators, exchanges on the arrows", () => {
  const plant = job("plant", { partitions: 2 });
  const source = plant.source("readings", readings({ of: (r) => r.at, outOfOrdernessMs: 0 }));
  const counts = source
    .keyBy((r) => r.device)
    .window(tumbling("5m"))
    .aggregate(count());
  counts.to(sink('the "out"'));
  counts.late().to(sink("late", "global", "twoPhase"));
  expect(describeMermaid(compile(plant)).split("\n")).toEqual([
    "flowchart LR",
    '  subgraph s0["readings, by split"]',
    '    s0in[/"readings()"/]',
    '    s0o0["timestamps (in order)"]',
    "  end",
    '  subgraph s1["count, 2 partitions"]',
    '    s1o0["count (tumbling 5m)"]',
    '    s1k0[("the #quot;out#quot;, idempotent")]',
    "  end",
    '  subgraph s2["late-2, 1 partition"]',
    '    s2k0[("late, twoPhase")]',
    "  end",
    "  s0in --> s0o0",
    "  s0o0 -->|keyed| s1o0",
    "  s1o0 --> s1k0",
    "  s1o0 -->|late, global| s2k0",
    "",
  ]);
});
