/** Faults on purpose: when they fire, how often, and whom they hold up. */
import { beforeEach, describe, expect, test } from "vitest";
import { FaultInjector } from "../../framework/actor/fault-injector.ts";
import { parseInjections } from "../../framework/actor/injection.ts";
import { JobNames } from "../../framework/log/names.ts";
import type { Logger } from "../../framework/platform/platform.ts";
import { type Fate, FatefulRegisters, Rig } from "./rig.ts";

let rig: Rig;
let registers: FatefulRegisters;
let lines: string[];
let kills: number;

beforeEach(async () => {
  rig = new Rig();
  registers = new FatefulRegisters(await rig.result(rig.seams.registers("job")));
  lines = [];
  kills = 0;
});

/** The injector of one process. */
function processWith(faults: readonly string[], generation = 1): FaultInjector {
  const logger: Logger = {
    log: (level, message, fields) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    child: () => logger,
  };
  const platform = { ...rig.platform, logger };
  const names = new JobNames("job", generation);
  return new FaultInjector({ platform, registers, names, killProcess: () => (kills += 1) }, parseInjections(faults));
}

/** What the injector does at a border of turns; undefined: nothing at all. */
async function border(injector: FaultInjector, position: number, partition = 1): Promise<string | undefined> {
  const held = injector.beforeTurn("average", partition, position);
  if (held === undefined) return undefined;
  return rig.result(
    held.then(
      () => "held",
      (error: unknown) => String(error),
    ),
  );
}

describe("a crash", () => {
  test("comes at the first border at which the position has been read, and is said", async () => {
    const injector = processWith(["crash:average/1@500"]);
    expect(await border(injector, 499)).toBeUndefined();
    expect(await border(injector, 600, 2)).toBeUndefined();
    expect(await border(injector, 503)).toBe("Error: injected: crash:average/1@500");
    expect(lines).toEqual([
      'warn a fault is injected {"fault":"crash:average/1@500","instance":"average/1","position":503}',
    ]);
  });

  test("J1: comes once, also when the message is read again, by a successor or in a process that was started again", async () => {
    const faults = ["crash:average/1@500"];
    const first = processWith(faults);
    await border(first, 500);
    expect(await border(first, 500)).toBeUndefined();
    expect(await border(processWith(faults), 500)).toBe("held");
    expect(await border(processWith(faults, 2), 500)).toMatch(/injected/);
    expect(lines).toHaveLength(2);
  });

  test("several faults of one instance come one after the other", async () => {
    const injector = processWith(["crash:average/1@5", "crash:average/1@5", "crash:average/1@3"]);
    expect(await border(injector, 5)).toContain("@5");
    expect(await border(injector, 5)).toContain("@3");
    expect(await border(injector, 5)).toBeUndefined();
  });

  test.each<Fate>(["lost", "refused"])("J1: a reply to the register that was %s: it comes, and once", async (fate) => {
    registers.writes.push(fate);
    const faults = ["crash:average/1@500"];
    expect(await border(processWith(faults), 500)).toContain("injected");
    expect(await border(processWith(faults), 500)).toBe("held");
  });
});

test("the death of the process: it is said, then the process is killed", async () => {
  await border(processWith(["crash-process:average/1@500"]), 500);
  expect({ kills, lines: lines.length }).toEqual({ kills: 1, lines: 1 });
});

test("J2: a pause holds the turns of its instance for its time, and no longer", async () => {
  const injector = processWith(["pause:average/1@500:2s"]);
  let hasEnded = false;
  void injector.beforeTurn("average", 1, 500)?.then(() => (hasEnded = true));
  await rig.pass(1_999);
  expect(hasEnded).toBe(false);
  expect(await border(injector, 500, 2)).toBeUndefined();
  await rig.pass(2);
  expect(hasEnded).toBe(true);
});
