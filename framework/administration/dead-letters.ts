/**
 * The dead letters of a job, for people: read from its stream, and dropped from what is shown.
 *
 * Owns their numbers and which of them have been dropped. Nobody needs to lead, or to live.
 *
 * DL1. A letter's number is the sequence of its message in the stream, and its place in it: the same whoever asks, and when.
 * DL2. A letter that an instance has said twice is there once (R2).
 * DL3. What is dropped stays dropped, and may be dropped again. The stream loses its oldest messages when all are dropped.
 */
import type { StoredDeadLetter } from "../actor/dead-letter.ts";
import { FollowedChannels } from "../actor/followed-channels.ts";
import { patiently } from "../actor/patience.ts";
import { StreamError } from "../errors.ts";
import type { Log, Registers } from "../log/contracts.ts";
import { JobNames } from "../log/names.ts";
import { decodeMessage, type Frame } from "../record/frame.ts";
import type { DroppedLetters } from "../record/poison.ts";
import { decodeDroppedLetters, encodeDroppedLetters } from "../record/wire/poison.ts";
import { findJob, type Administrator } from "./administrator.ts";

/** A dead letter with its number. */
export interface NumberedLetter extends StoredDeadLetter {
  /** `12.1`: the first of message 12 of the stream. */
  readonly number: string;
  /** When it was stored, ms since the epoch. */
  readonly at: number;
  /** Its number among the letters of its instance (R1): the same also when the stream has lost the message that held it first. */
  readonly ordinal: number;
}

/** Which letters are wanted. */
export interface LetterFilter {
  readonly stage?: string | undefined;
  /** A part of the code or of the reason, in any case. */
  readonly reason?: string | undefined;
  /** The newest so many. @default all */
  readonly limit?: number | undefined;
}

const noneDropped: DroppedLetters = { upTo: 0, numbers: [] };
const readMsMax = 30_000;

/** The dead letters of the job's newest generation, oldest first. @throws NOT_FOUND, TIMEOUT, CORRUPT */
export async function listDeadLetters(
  administrator: Administrator,
  job: string,
  { stage, reason, limit = Infinity }: LetterFilter = {},
): Promise<readonly NumberedLetter[]> {
  const { letters } = await readLetters(administrator, job);
  const wanted = letters.filter(
    (letter) =>
      (stage === undefined || letter.stage === stage) &&
      (reason === undefined || `${letter.code}: ${letter.reason}`.toLowerCase().includes(reason.toLowerCase())),
  );
  return limit === Infinity ? wanted : wanted.slice(Math.max(0, wanted.length - limit));
}

/** One of them. @throws NOT_FOUND when there is none of this number (any more) */
export async function getDeadLetter(
  administrator: Administrator,
  job: string,
  number: string,
): Promise<NumberedLetter> {
  const { letters } = await readLetters(administrator, job);
  return one(letters, job, number);
}

/** Several of them, oldest first, each once. @throws NOT_FOUND when there is none of one of these numbers */
export async function getDeadLetters(
  administrator: Administrator,
  job: string,
  numbers: readonly string[],
): Promise<readonly NumberedLetter[]> {
  const { letters } = await readLetters(administrator, job);
  const wanted = new Set(numbers.map((number) => one(letters, job, number)));
  return letters.filter((letter) => wanted.has(letter));
}

/** Drops one, or `all` there are. Answers how many are gone. @throws NOT_FOUND */
export async function dropDeadLetters(administrator: Administrator, job: string, number: string): Promise<number> {
  const { letters, registers, key, log } = await readLetters(administrator, job);
  const last = sequenceOf(letters.at(-1)?.number ?? "0");
  if (number !== "all") one(letters, job, number);
  await change(registers, key, ({ upTo, numbers }) =>
    number === "all"
      ? { upTo: Math.max(upTo, last), numbers: numbers.filter((each) => sequenceOf(each) > last) }
      : { upTo, numbers: [...numbers.filter((each) => each !== number), number] },
  );
  if (number !== "all") return 1;
  if (log !== undefined && last > 0) await patiently(administrator.platform, log.name, () => log.trim(last));
  return letters.length;
}

interface Letters {
  readonly letters: readonly NumberedLetter[];
  readonly registers: Registers;
  /** Of the register of what has been dropped. */
  readonly key: string;
  /** Undefined when the generation has none (any more). */
  readonly log: Log | undefined;
}

async function readLetters(administrator: Administrator, job: string): Promise<Letters> {
  const { record, registers } = await findJob(administrator, job);
  const names = new JobNames(job, record.generation);
  const key = names.droppedLetters;
  const log = await openLog(administrator, names.deadLetters);
  const stored = await registers.get(key);
  const dropped = stored === undefined ? noneDropped : decodeDroppedLetters(stored.value);
  const all = log === undefined ? [] : await readAll(administrator, log);
  const letters = all.filter(({ number }) => sequenceOf(number) > dropped.upTo && !dropped.numbers.includes(number));
  return { letters, registers, key, log };
}

async function openLog({ seams }: Administrator, name: string): Promise<Log | undefined> {
  try {
    return await seams.logs.open(name);
  } catch (error) {
    if (StreamError.is(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

/** Everything that is in the stream at this moment. */
async function readAll({ platform }: Administrator, log: Log): Promise<readonly NumberedLetter[]> {
  const { first, last } = await log.info();
  if (first > last) return [];
  const letters: NumberedLetter[] = [];
  const channels = new FollowedChannels(first === 1);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const read = () => {
    for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
      const message = decodeMessage(entry.payload);
      if (message.kind === "frame") letters.push(...lettersIn(message, channels, entry.sequence, entry.storedAtMs));
      if (entry.sequence >= last) resolve();
    }
  };
  const reader = log.read({
    from: first,
    onReadable: () => {
      try {
        read();
      } catch (error) {
        reject(error);
      }
    },
    onBroken: () =>
      reject(new StreamError("UNAVAILABLE", `${log.name} has lost its oldest letters meanwhile: ask again`)),
  });
  const late = () => reject(new StreamError("TIMEOUT", `${log.name} has not been read within ${readMsMax / 1_000} s`));
  const cancel = platform.clock.schedule(readMsMax, late);
  try {
    await promise;
  } finally {
    cancel();
    reader.close();
  }
  return letters;
}

function lettersIn(frame: Frame, channels: FollowedChannels, sequence: number, at: number): readonly NumberedLetter[] {
  const letters: NumberedLetter[] = [];
  let place = 0;
  for (const section of frame.sections) {
    const seen = channels.accept(section);
    const { values } = section.decode();
    for (let index = 0; index < section.count; index += 1) {
      place += 1;
      if (seen === undefined || index < seen) continue;
      const ordinal = section.first + index;
      letters.push({ number: `${sequence}.${place}`, at, ordinal, ...(values[index] as StoredDeadLetter) });
    }
  }
  return letters;
}

function one(letters: readonly NumberedLetter[], job: string, number: string): NumberedLetter {
  const found = letters.find((letter) => letter.number === number);
  if (found !== undefined) return found;
  const known = letters.length === 0 ? "it has none" : `it has ${letters[0]?.number} to ${letters.at(-1)?.number}`;
  throw new StreamError("NOT_FOUND", `job ${job} has no dead letter ${JSON.stringify(number)}: ${known}`);
}

async function change(
  registers: Registers,
  key: string,
  next: (before: DroppedLetters) => DroppedLetters,
): Promise<void> {
  for (;;) {
    const found = await registers.get(key);
    const bytes = encodeDroppedLetters(next(found === undefined ? noneDropped : decodeDroppedLetters(found.value)));
    const result = await (found === undefined
      ? registers.create(key, bytes)
      : registers.update(key, bytes, found.revision));
    if (result.kind === "written") return;
  }
}

function sequenceOf(number: string): number {
  return Number(number.split(".")[0]);
}
