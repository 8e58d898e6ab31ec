/**
 * Chance that can be repeated.
 */
import { expect, test } from "vitest";
import { seededRandom, systemRandom } from "../../framework/platform/random.ts";
import type { Random } from "../../framework/platform/platform.ts";

function draw(random: Random, count = 20): readonly number[] {
  return Array.from({ length: count }, () => random.next());
}

test("a seed gives the same numbers on every machine and in every version", () => {
  const random = seededRandom(42);
  expect([random.below(1_000_000), random.below(1_000_000), random.below(1_000_000)]).toEqual([
    522_305, 543_496, 460_474,
  ]);
  expect(seededRandom("42").id(12)).toBe(seededRandom(42).id(12));
});

test("other seeds give other numbers", () => {
  expect(draw(seededRandom(1))).not.toEqual(draw(seededRandom(2)));
  expect(draw(seededRandom("a"))).not.toEqual(draw(seededRandom("b")));
  expect(draw(systemRandom())).not.toEqual(draw(systemRandom()));
});

test("C1: a fork depends on the seed and the name, not on what has been drawn", () => {
  const [fresh, used] = [seededRandom(1), seededRandom(1)];
  draw(used);
  expect(draw(used.fork("lane"))).toEqual(draw(fresh.fork("lane")));
  expect(draw(fresh.fork("lane"))).not.toEqual(draw(fresh.fork("reader")));
  expect(draw(fresh.fork("a").fork("b"))).not.toEqual(draw(fresh.fork("b").fork("a")));
});

test("numbers lie in their range and fill it evenly", () => {
  const random = seededRandom(3);
  const counts = Array.from({ length: 10 }, () => 0);
  for (const number of draw(random, 20_000)) {
    expect(number >= 0 && number < 1).toBe(true);
    const tenth = Math.floor(number * 10);
    counts[tenth] = (counts[tenth] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(1_800);
  expect(Math.max(...counts)).toBeLessThan(2_200);
  const integers = new Set(Array.from({ length: 1_000 }, () => random.below(7)));
  expect([...integers].toSorted((left, right) => left - right)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("ids have the length and the characters that names may have", () => {
  expect(systemRandom().id(24)).toMatch(/^[a-z0-9]{24}$/);
  expect(systemRandom().id(0)).toBe("");
});
