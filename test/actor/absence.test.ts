/** Whether a process that has fallen silent is gone. */
import { beforeEach, describe, expect, test } from "vitest";
import { Absence, Absences, askedAfterMs, confirmedAfterMs } from "../../framework/actor/absence.ts";
import { StreamError } from "../../framework/errors.ts";
import { Rig } from "./rig.ts";

const nobody = () => Promise.reject(new StreamError("NO_RESPONDERS", "nobody"));

let rig: Rig;
let asked: number;
let found: number;
let answer: () => Promise<unknown>;
let absence: Absence;

beforeEach(() => {
  rig = new Rig();
  asked = 0;
  found = 0;
  answer = nobody;
  const ask = () => {
    asked += 1;
    return answer();
  };
  absence = new Absence(rig.clock, ask, () => {
    found += 1;
  });
});

async function look(silentMs: number): Promise<void> {
  absence.look(silentMs);
  await rig.pass(0);
}

describe("one process", () => {
  test("AB1: nobody is asked before a second of silence", async () => {
    await look(askedAfterMs - 1);
    expect(asked).toBe(0);
    await look(askedAfterMs);
    expect(asked).toBe(1);
  });

  test("AB2: the first time that nobody is there does not count, the next one a while later does", async () => {
    await look(askedAfterMs);
    await rig.pass(confirmedAfterMs - 1);
    await look(askedAfterMs);
    expect(found).toBe(0);
    await rig.pass(1);
    await look(askedAfterMs);
    expect(found).toBe(1);
  });

  test.each([
    ["an answer", () => Promise.resolve()],
    ["no answer in time", () => Promise.reject(new StreamError("TIMEOUT", "slow"))],
    ["a server that cannot be reached", () => Promise.reject(new StreamError("UNAVAILABLE", "down"))],
  ])("AB3: after %s it begins anew", async (_name, said) => {
    await look(askedAfterMs);
    await rig.pass(confirmedAfterMs);
    answer = said;
    await look(askedAfterMs);
    answer = nobody;
    await rig.pass(confirmedAfterMs);
    await look(askedAfterMs);
    expect(found).toBe(0);
  });

  test("AB3: so it does when something has been heard of it", async () => {
    await look(askedAfterMs);
    await rig.pass(confirmedAfterMs);
    await look(0);
    await look(askedAfterMs);
    expect(found).toBe(0);
  });

  test("one question at a time", async () => {
    answer = () => new Promise(() => undefined);
    await look(askedAfterMs);
    await look(askedAfterMs);
    expect(asked).toBe(1);
  });
});

test("a leader asks those that are silent, and hears of each that is gone", async () => {
  const silent = new Map([
    ["a", askedAfterMs],
    ["b", askedAfterMs],
    ["c", 0],
  ]);
  const pinged: string[] = [];
  const absent: string[] = [];
  const workers = {
    livingOthers: () => [...silent.keys()].filter((worker) => !absent.includes(worker)),
    silentMs: (worker: string) => silent.get(worker) ?? 0,
    absent: (worker: string) => void absent.push(worker),
  };
  let told = 0;
  const ping = (worker: string) => {
    pinged.push(worker);
    return worker === "a" ? nobody() : Promise.resolve();
  };
  const absences = new Absences(rig.clock, workers, ping, () => {
    told += 1;
  });
  for (let round = 0; round < 3; round += 1) {
    absences.look();
    await rig.pass(confirmedAfterMs);
  }
  expect(absent).toEqual(["a"]);
  expect(told).toBe(1);
  expect(pinged).toEqual(["a", "b", "a", "b", "b"]);
});
