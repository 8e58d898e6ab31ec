/** What reads bytes or text from outside ends with an answer or with a StreamError, whatever it is given; and the fuzzer would notice if not. */
import { describe, expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { readCorpus } from "../../framework/scripts/fuzz/corpus.ts";
import { fuzz, tryInput } from "../../framework/scripts/fuzz/run.ts";
import type { FuzzTarget } from "../../framework/scripts/fuzz/target.ts";
import { fuzzTargets } from "../../framework/scripts/fuzz/targets.ts";

/** Fresh inputs of each target; `npm run fuzz` has a minute for each. */
const inputs = 2_000;
const seed = new Date().toISOString().slice(0, 10);

describe.each(fuzzTargets.map((target) => [target.name, target] as const))("%s", (name, target) => {
  test("its samples are right", () => {
    for (const sample of target.samples) expect(tryInput(target, sample)).toBeUndefined();
  });

  test("the saved corpus", () => {
    for (const input of readCorpus(target)) expect(tryInput(target, input)).toBeUndefined();
  });

  test(`${inputs} mutated inputs (seed ${seed})`, () => {
    const corpus = [...target.samples, ...readCorpus(target)];
    expect(fuzz(target, corpus, seededRandom(`${name} ${seed}`), inputs)).toBeUndefined();
  });
});

describe("the fuzzer itself", () => {
  const samples = [Buffer.from("some bytes")];
  const broken = (feed: FuzzTarget["feed"]) =>
    fuzz({ name: "broken", samples, feed }, samples, seededRandom(1), 500)?.what ?? "held";

  test("an error of another class is found", () => {
    expect(broken((bytes) => void (bytes[0] === 0 ? bytes : decodeURIComponent(`%${bytes[0]?.toString(16)}`)))).toMatch(
      /^throws /,
    );
    expect(broken(() => void JSON.parse("{"))).toMatch(/^throws SyntaxError/);
    expect(
      broken(() => {
        throw new StreamError("CORRUPT", "as it should be");
      }),
    ).toBe("held");
  });

  test("an input that takes for ever is found", () => {
    expect(
      broken(() => {
        for (const untilMs = performance.now() + 150; performance.now() < untilMs;);
      }),
    ).toMatch(/^takes \d+ ms/);
  });

  test("a changed prototype is found", () => {
    const name = "pollutedByThisTest";
    const polluting = () => {
      // oxlint-disable-next-line no-extend-native -- what is to be found
      Object.defineProperty(Object.prototype, name, { configurable: true, value: 1 });
    };
    expect(broken(polluting)).toMatch(/has changed a prototype/);
    Reflect.deleteProperty(Object.prototype, name);
  });
});
