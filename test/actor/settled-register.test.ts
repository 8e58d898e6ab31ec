/** What a leader keeps of who has settled, for the next one (R15). */
import { describe, expect, test } from "vitest";
import { SettledRegister } from "../../framework/actor/settled-register.ts";
import type { Registers } from "../../framework/log/contracts.ts";
import { MemorySeams } from "../../framework/log/memory-seams.ts";
import type { Logger, Platform } from "../../framework/platform/platform.ts";
import { seededRandom } from "../../framework/platform/random.ts";
import { VirtualClock } from "../../framework/platform/virtual-clock.ts";

const clock = new VirtualClock();

function platformSaying(lines: string[]): Platform {
  const logger: Logger = { log: (level, message) => void lines.push(`${level} ${message}`), child: () => logger };
  return { clock, random: seededRandom(1), logger };
}

/** Answers once the clock has let it. */
async function driven<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await clock.settle();
  return promise;
}

test("R15: what one leader keeps, the next one recalls; nothing is nothing", async () => {
  const platform = platformSaying([]);
  const registers = await driven(new MemorySeams(clock).registers("job"));
  const first = new SettledRegister(platform, registers, "settled.1");
  expect(await driven(first.recall())).toEqual([]);
  await driven(first.keep([3, 7]));
  await driven(first.keep([3, 7, 9]));
  expect(await driven(new SettledRegister(platform, registers, "settled.1").recall())).toEqual([3, 7, 9]);
});

describe("registers that fail", () => {
  const down = () => Promise.reject(new Error("the connection is down"));
  const failing: Registers = {
    get: () => Promise.resolve(undefined),
    create: down,
    update: down,
    list: down,
    delete: down,
  };

  test("are a warning, and what was to be kept is tried again", async () => {
    const lines: string[] = [];
    const register = new SettledRegister(platformSaying(lines), failing, "settled.1");
    await driven(register.keep([1]));
    await driven(register.keep([1]));
    expect(lines).toEqual(Array.from({ length: 2 }, () => "warn the register of progress cannot be written"));
  });

  test("are nobody's business when the epoch is over: nothing is written, and a write under way fails unheard", async () => {
    const lines: string[] = [];
    const register = new SettledRegister(platformSaying(lines), failing, "settled.1");
    const written = register.keep([1]);
    register.close();
    await driven(written);
    await driven(register.keep([2]));
    expect(lines).toEqual([]);
  });
});
