/** The pointer moves by compare-and-set until its outcome is known, however many replies are lost. */
import { beforeEach, describe, expect, test } from "vitest";
import { PointerRegister } from "../../framework/actor/pointer-register.ts";
import type { SnapshotRef } from "../../framework/record/snapshot-record.ts";
import { decodePointer } from "../../framework/record/wire/snapshot.ts";
import { FatefulRegisters, Rig } from "./rig.ts";

const key = "pointer.1.sums.0";

let rig: Rig;
let registers: FatefulRegisters;

beforeEach(async () => {
  rig = new Rig();
  registers = new FatefulRegisters(await rig.result(rig.seams.registers("job")));
});

function hand(epoch: number): PointerRegister {
  return new PointerRegister(rig.platform, registers, key, epoch);
}

function snapshot(sequence: number): SnapshotRef {
  return { sequence, manifest: [{ name: `m${sequence}`, offset: 0, length: 1, sha256: "00" }] };
}

async function stored() {
  const found = await rig.result(registers.get(key));
  return found === undefined ? undefined : decodePointer(found.value);
}

async function claimed(epoch: number): Promise<PointerRegister> {
  const pointer = hand(epoch);
  await rig.result(pointer.claim("inbox-1"));
  return pointer;
}

describe("R5: a claim", () => {
  test("creates the pointer when there is none, and raises its epoch afterwards, keeping the snapshots", async () => {
    const first = await claimed(3);
    await rig.result(first.advance(snapshot(10)));
    const second = await claimed(7);
    expect(second.current).toMatchObject({ epoch: 7, identity: "inbox-1", current: { sequence: 10 } });
  });

  test("is refused to an equal or lower epoch", async () => {
    await claimed(5);
    await expect(rig.result(hand(5).claim("inbox-1"))).rejects.toMatchObject({ code: "FENCED" });
    await expect(rig.result(hand(4).claim("inbox-1"))).rejects.toMatchObject({ code: "FENCED" });
    expect((await stored())?.epoch).toBe(5);
  });

  test("of an inbox that was created anew is data loss", async () => {
    await claimed(5);
    await expect(rig.result(hand(6).claim("inbox-2"))).rejects.toMatchObject({ code: "DATA_LOST" });
  });

  test("from then on the older incarnation cannot move the pointer", async () => {
    const old = await claimed(3);
    await claimed(4);
    await expect(rig.result(old.advance(snapshot(10)))).rejects.toMatchObject({ code: "FENCED" });
    expect((await stored())?.current).toBeUndefined();
  });

  test.each(["lost", "refused"] as const)("whose reply is %s comes to its end all the same, once", async (fate) => {
    registers.writes.push(fate);
    const pointer = await claimed(3);
    expect(await stored()).toEqual(pointer.current);
    await rig.result(pointer.advance(snapshot(4)));
    expect((await stored())?.current?.sequence).toBe(4);
  });

  test("waits while the register cannot be read", async () => {
    registers.reads.push("refused", "refused");
    const pointer = await claimed(3);
    expect(pointer.current?.epoch).toBe(3);
  });
});

describe("R6: moving it", () => {
  test("makes the current snapshot the previous one", async () => {
    const pointer = await claimed(3);
    await rig.result(pointer.advance(snapshot(10)));
    await rig.result(pointer.advance(snapshot(20)));
    const value = await rig.result(pointer.advance(snapshot(30)));
    expect(value).toMatchObject({ current: { sequence: 30 }, previous: { sequence: 20 } });
    expect(await stored()).toEqual(value);
  });

  test("a lost reply is no failure and no second move: the own token is found", async () => {
    const pointer = await claimed(3);
    await rig.result(pointer.advance(snapshot(10)));
    const written = registers.written;
    registers.writes.push("lost");
    const value = await rig.result(pointer.advance(snapshot(20)));
    expect(registers.written).toBe(written + 1);
    expect(value).toMatchObject({ current: { sequence: 20 }, previous: { sequence: 10 } });
    await rig.result(pointer.advance(snapshot(30)));
    expect(await stored()).toMatchObject({ current: { sequence: 30 }, previous: { sequence: 20 } });
  });

  test("an update that did not arrive is repeated with the same token", async () => {
    const pointer = await claimed(3);
    registers.writes.push("refused", "refused", "lost");
    registers.reads.push("refused", "kept", "refused");
    await rig.result(pointer.advance(snapshot(10)));
    expect(await stored()).toMatchObject({ epoch: 3, current: { sequence: 10 }, previous: undefined });
  });

  test("a lost reply that hides a newer claim is fenced, not believed", async () => {
    const old = await claimed(3);
    registers.writes.push("refused");
    const moving = old.advance(snapshot(10));
    moving.catch(() => undefined);
    await rig.result(new PointerRegister(rig.platform, registers, key, 9).claim("inbox-1"));
    await expect(rig.result(moving)).rejects.toMatchObject({ code: "FENCED" });
    expect((await stored())?.current).toBeUndefined();
  });
});

describe("R8: the owner", () => {
  test("is read afresh", async () => {
    const old = await claimed(3);
    await claimed(8);
    expect(await rig.result(old.owner())).toBe(8);
  });

  test("is not the one whom an old value names: an update of its own shows whether it is", async () => {
    const old = await claimed(3);
    const before = await rig.result(registers.get(key));
    await claimed(8);
    registers.stale.push(before);
    expect(await rig.result(old.owner())).toBe(8);
    expect((await stored())?.epoch).toBe(8);
  });

  test("is the one that says so itself, and keeps its snapshots", async () => {
    const own = await claimed(3);
    await rig.result(own.advance(snapshot(10)));
    expect(await rig.result(own.owner())).toBe(3);
    expect(await stored()).toMatchObject({ epoch: 3, current: { sequence: 10 } });
  });

  test("asked for while the own snapshot is under way, its value is nothing that the snapshot could be based on", async () => {
    const old = await claimed(3);
    await rig.result(old.advance(snapshot(10)));
    const heir = await claimed(8);
    await rig.result(heir.advance(snapshot(20)));
    await rig.result(heir.advance(snapshot(30)));
    expect(await rig.result(old.owner())).toBe(8);
    await expect(rig.result(old.advance(snapshot(15)))).rejects.toMatchObject({ code: "FENCED" });
    expect(await stored()).toMatchObject({ epoch: 8, current: { sequence: 30 }, previous: { sequence: 20 } });
  });

  test("asked for at the moment in which the own pointer moves, it is oneself, and the move is made", async () => {
    const own = await claimed(3);
    registers.writes.push("lost");
    registers.reads.push("kept", "refused");
    const asking = own.owner();
    // Its update has been stored by then, and it does not know.
    await rig.pass(50);
    const moving = own.advance(snapshot(10));
    expect(await rig.result(Promise.all([asking, moving]))).toMatchObject([3, { current: { sequence: 10 } }]);
    expect((await stored())?.current?.sequence).toBe(10);
  });

  test("is nobody before the first claim", async () => {
    expect(await rig.result(hand(3).owner())).toBe(0);
    expect(await stored()).toBeUndefined();
  });
});
