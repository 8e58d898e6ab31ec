/**
 * A process that simulates one mutant: started by `npm run sim:mutants`, never by people.
 *
 * Owns the load hook that puts the mutant into the one module that it changes; everything else is loaded as it is, and nothing on disk changes. Runs seeds,
 * one mix after the other in portions, until one of them fails.
 */
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { messageOf } from "../../errors.ts";
import { patched, type Patch } from "../mutants/patch.ts";

/** What the process is to do. */
export interface MutantOrder {
  readonly file: string;
  /** Undefined: the code as it is. */
  readonly patch: Patch | undefined;
  /** Seeds that fail without any mutant, and prove nothing: `swarm 2`. */
  readonly without: readonly string[];
  /** The first seed. */
  readonly from: number;
  readonly mixes: readonly string[];
  /** Seeds of each mix, at most. */
  readonly seeds: number;
}

/** What the process says. */
export type MutantMessage =
  | { readonly kind: "seed"; readonly mix: string; readonly seed: number }
  | { readonly kind: "stale" }
  | { readonly kind: "survived"; readonly seeds: number }
  | {
      readonly kind: "caught";
      readonly mix: string;
      readonly seed: number;
      /** Seeds that had been run when it was. */
      readonly seeds: number;
      readonly by: string;
      readonly what: string;
    };

/** Seeds of a mix before it is the next one's turn. */
const portion = 50;

const order = JSON.parse(process.argv[2] ?? "{}") as MutantOrder;
const url = pathToFileURL(resolve(import.meta.dirname, "../..", order.file)).href;
let isPatched = false;
let running = { mix: "", seed: 0, seeds: 0 };

registerHooks({
  load(each, context, nextLoad) {
    const loaded = nextLoad(each, context);
    if (each !== url || loaded.source === undefined || loaded.source === null) return loaded;
    if (order.patch === undefined) return loaded;
    const source = patched(Buffer.from(loaded.source as Uint8Array).toString("utf8"), order.patch);
    if (source === undefined) return loaded;
    isPatched = true;
    return { ...loaded, source };
  },
});

function say(message: MutantMessage): Promise<void> {
  return new Promise((done) => {
    if (process.send === undefined) return done();
    process.send(message, undefined, undefined, () => done());
  });
}

async function run(): Promise<MutantMessage> {
  const { simulate } = await import("../../testing/simulation/simulate.ts");
  if (order.patch !== undefined && !isPatched) return { kind: "stale" };
  let seeds = 0;
  for (let first = order.from; first < order.from + order.seeds; first += portion) {
    for (const mix of order.mixes) {
      for (let seed = first; seed < Math.min(first + portion, order.from + order.seeds); seed += 1) {
        if (order.without.includes(`${mix} ${seed}`)) continue;
        seeds += 1;
        running = { mix, seed, seeds };
        void say({ kind: "seed", mix, seed });
        const violation = await firstViolation(() => simulate(seed, mix));
        if (violation !== undefined) return { kind: "caught", mix, seed, seeds, ...violation };
      }
    }
  }
  return { kind: "survived", seeds };
}

/** What a seed is caught by; a throw out of the simulation is a defence of the code itself, an invariant. */
async function firstViolation(
  simulated: () => Promise<{ readonly violations: readonly { readonly oracle: string; readonly what: string }[] }>,
): Promise<{ readonly by: string; readonly what: string } | undefined> {
  try {
    const [violation] = (await simulated()).violations;
    return violation === undefined ? undefined : { by: violation.oracle, what: violation.what };
  } catch (error) {
    return { by: "thrown", what: messageOf(error) };
  }
}

/** Says the last word, and ends: whatever else the mutant has under way. */
async function end(message: MutantMessage): Promise<void> {
  await say(message);
  process.exit(0);
}

process.on(
  "uncaughtException",
  (error) => void end({ kind: "caught", ...running, by: "thrown", what: messageOf(error) }),
);
await end(await run());
