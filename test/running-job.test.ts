/**
 * A job in this process, to its end: what comes after it.
 */
import { callback, embedded, fromArray, job, start, type Home } from "tidemark";
import { expect, test } from "vitest";
import { StreamError } from "../framework/errors.ts";
import type { Registers, Seams } from "../framework/log/contracts.ts";
import { silentLogger } from "../framework/platform/logger.ts";
import { seededRandom } from "../framework/platform/random.ts";
import { VirtualClock } from "../framework/platform/virtual-clock.ts";

/** Pointers cannot be read: a claim asks again and again. */
function withoutPointers(registers: Registers): Registers {
  return {
    get: (key) =>
      key.startsWith("pointer.")
        ? Promise.reject(new StreamError("UNAVAILABLE", "nobody answers"))
        : registers.get(key),
    create: (key, value) => registers.create(key, value),
    update: (key, value, revision) => registers.update(key, value, revision),
    list: (prefix) => registers.list(prefix),
    delete: (key) => registers.delete(key),
  };
}

function deaf(home: Home): Home {
  const seamsOf = (seams: Seams): Seams =>
    new Proxy(seams, {
      get(target, name) {
        if (name === "registers") return async (of: string) => withoutPointers(await target.registers(of));
        const found: unknown = Reflect.get(target, name, target);
        return typeof found === "function" ? (found.bind(target) as unknown) : found;
      },
    });
  return {
    ...home,
    open: async (plan, platform, intent) => {
      const place = await home.open(plan, platform, intent);
      return { ...place, seams: seamsOf(place.seams) };
    },
  };
}

test("T4: what still asks a server that does not answer ends with the job", async () => {
  const clock = new VirtualClock();
  const doubled = job("doubled", { version: "1" });
  doubled
    .source("numbers", fromArray([1, 2, 3]))
    .map((value) => 2 * value)
    .to(callback("out", () => undefined));
  const platform = { clock, random: seededRandom("deaf"), logger: silentLogger };
  const starting = start(doubled, deaf(embedded()), { platform });
  let isOver = false;
  const ended = starting.then(async (handle) => {
    clock.schedule(2_000, () => void handle.stop(), { background: true });
    const end = await handle.done;
    isOver = true;
    await expect(handle.status()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    return end;
  });
  await clock.until(() => isOver, 60_000);
  expect(await ended).toMatchObject({ state: "stopped" });
  let hasPassed = false;
  clock.schedule(1_000, () => void (hasPassed = true), { background: true });
  await clock.until(() => hasPassed, 1_000);
  expect(clock.pending.foreground).toBe(0);
});
