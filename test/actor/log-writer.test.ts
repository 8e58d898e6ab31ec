/** A patient way into one log: one message after the other, each until it is stored. */
import { beforeEach, expect, test } from "vitest";
import { LogWriter } from "../../framework/actor/log-writer.ts";
import { Rig, ScriptedLog } from "./rig.ts";

let rig: Rig;
let log: ScriptedLog;
let writer: LogWriter;

const bytes = (text: string) => Buffer.from(text);
const texts = () => log.asked.map(({ payload }) => Buffer.from(payload).toString());

beforeEach(() => {
  rig = new Rig();
  log = new ScriptedLog();
  writer = new LogWriter(rig.platform, log);
});

test("messages go one after the other, each when the one before it is stored", () => {
  const stored: number[] = [];
  writer.enqueue(bytes("a"), (sequence) => stored.push(sequence));
  writer.enqueue(bytes("b"), (sequence) => stored.push(sequence));
  expect(texts()).toEqual(["a"]);
  log.store(0, 7);
  expect(texts()).toEqual(["a", "b"]);
  log.store(1, 9);
  expect(stored).toEqual([7, 9]);
  expect(writer.pending).toBe(0);
});

test("without a reply a message is sent again, for ever; a late reply of an earlier attempt counts", async () => {
  const stored: number[] = [];
  writer.enqueue(bytes("a"), (sequence) => stored.push(sequence));
  await rig.pass(2_001);
  await rig.pass(2_001);
  expect(texts()).toEqual(["a", "a", "a"]);
  log.store(0, 5);
  log.store(2, 6);
  expect(stored).toEqual([5]);
});

test("a refusal is repeated after a wait that doubles, and makes room where it can", async () => {
  let full = 0;
  writer.enqueue(
    bytes("a"),
    () => undefined,
    () => void (full += 1),
  );
  log.answer(log.asked[0], { kind: "full" });
  expect(full).toBe(1);
  await rig.pass(19);
  expect(log.asked).toHaveLength(1);
  await rig.pass(2);
  expect(log.asked).toHaveLength(2);
  log.answer(log.asked[1], { kind: "failed", reason: "no leader" });
  expect(full).toBe(1);
  await rig.pass(30);
  expect(log.asked).toHaveLength(2);
  await rig.pass(11);
  expect(log.asked).toHaveLength(3);
});

test("after a reconnect what was in flight is sent again at once", () => {
  writer.enqueue(bytes("a"), () => undefined);
  log.link("disconnected");
  log.link("reconnected");
  expect(texts()).toEqual(["a", "a"]);
});

test("a closed writer says nothing more, and calls nobody", async () => {
  let stored = 0;
  writer.enqueue(bytes("a"), () => void (stored += 1));
  writer.close();
  writer.enqueue(bytes("b"), () => void (stored += 1));
  log.store(0, 1);
  await rig.pass(10_000);
  expect(texts()).toEqual(["a"]);
  expect(stored).toBe(0);
});

test("append resolves with the sequence", async () => {
  const stored = writer.append(bytes("a"));
  log.store(0, 3);
  expect(await stored).toBe(3);
});
