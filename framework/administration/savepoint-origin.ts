/**
 * From what somebody calls a savepoint to where a generation goes on from.
 *
 * Owns the look at the register of its name; what is in the savepoint is looked at by `actor/restore-check.ts`.
 */
import { StreamError } from "../errors.ts";
import type { Registers } from "../log/contracts.ts";
import { savepointRegister, savepointRegisters } from "../log/names.ts";
import type { Allowances } from "../protocol/restore.ts";
import type { SavepointRecord } from "../record/savepoint-record.ts";
import type { Origin } from "../record/snapshot-record.ts";
import { decodeSavepointRecord } from "../record/wire/savepoint.ts";

/** The savepoint of that name, with what may be left out. @throws NOT_FOUND naming those that there are */
export async function originNamed(
  registers: Registers,
  job: string,
  name: string,
  { allowMissing, allowUnknown }: Allowances,
): Promise<Origin> {
  const found = await registers.get(savepointRegister(name));
  const record = found === undefined ? undefined : decodeSavepointRecord(found.value);
  if (record?.state !== "complete") throw await notThere(registers, job, name, record);
  const { generation, savepoint, index } = record;
  return { name, generation, savepoint, index, allowMissing, allowUnknown };
}

async function notThere(
  registers: Registers,
  job: string,
  name: string,
  record: SavepointRecord | undefined,
): Promise<StreamError> {
  const what = `job ${job} has no savepoint ${JSON.stringify(name)}`;
  if (record?.state === "open") return new StreamError("NOT_FOUND", `${what} yet: it is being taken`);
  const complete = await completeNames(registers);
  const known = complete.length === 0 ? "it has none" : `it has ${complete.join(", ")}`;
  const past = record?.state === "cancelled" ? `, which was cancelled: ${record.reason}` : "";
  return new StreamError("NOT_FOUND", `${what}${past}; ${known}`);
}

async function completeNames(registers: Registers): Promise<readonly string[]> {
  const keys = (await registers.list(savepointRegisters)).toSorted();
  const all = await Promise.all(
    keys.map(async (key) => {
      const found = await registers.get(key);
      const isComplete = found !== undefined && decodeSavepointRecord(found.value).state === "complete";
      return isComplete ? [key.slice(savepointRegisters.length)] : [];
    }),
  );
  return all.flat();
}
