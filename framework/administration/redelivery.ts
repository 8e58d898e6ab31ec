/**
 * Dead letters that are given to their instances again: a control in the inbox that each came from.
 *
 * Owns what is refused, and where the control goes. That a letter is taken once is decided by the instance alone, when it reads it; so the command may be
 * repeated, and whoever hears nothing of it repeats it. Nobody needs to lead, or to live: what is stopped reads it when it goes on.
 *
 * RL1. A letter is known by its number among those of its instance, which no second telling and no loss of old letters changes.
 * RL2. What is refused keeps nothing else from going.
 * RL3. Room of an inbox that is meant for others (watermarks, epoch-starts) is not used.
 */
import type { LetterOrigin } from "../operator/outlet.ts";
import { StreamError } from "../errors.ts";
import type { Log } from "../log/contracts.ts";
import { JobNames } from "../log/names.ts";
import { fenceReserveBytes, watermarkReserveBytes } from "../plan/reserve.ts";
import { stagesIn } from "../plan/plan-text.ts";
import { isWithin } from "../protocol/redelivery.ts";
import { defaultCodec } from "../record/default-codec.ts";
import { encodeControl } from "../record/frame.ts";
import type { NumberRange } from "../record/snapshot-record.ts";
import { decodePointer } from "../record/wire/snapshot.ts";
import { findJob, type Administrator, type FoundJob } from "./administrator.ts";
import { getDeadLetters, listDeadLetters, type LetterFilter, type NumberedLetter } from "./dead-letters.ts";
import { readManifest } from "./job-look.ts";
import { readJob } from "./job-reading.ts";

/** Which letters are given again: those of these numbers, or those that pass the filter. */
export type LetterChoice = { readonly numbers: readonly string[] } | { readonly filter: LetterFilter };

/** What has become of each of them, by number. */
export interface RedeliveryResult {
  readonly job: string;
  /** In the inbox of their instances. */
  readonly replayed: readonly string[];
  /** Known, from the last snapshots, to have been given again before. One that was given again since then counts as replayed, and is taken once all the same. */
  readonly before: readonly string[];
  readonly refused: readonly { readonly number: string; readonly reason: string }[];
}

/** An inbox, and what its instance has taken. */
interface Target {
  readonly inbox: Log;
  readonly taken: readonly NumberRange[];
  /** Whether its input has ended, as far as its last snapshot knows: then it takes nothing. */
  readonly isEnded: boolean;
  /** Bytes until only the room of others is left. */
  roomBytes: number;
}

const notRecords: Readonly<Record<Exclude<LetterOrigin, "record">, string>> = {
  step: "it is of a timer, a window firing, or a call or batch behind other operators, and not of a record of the stage",
  unread: "it is a row that did not become a record of the stage",
  sinkRow: "it is a row that a sink has refused: the stage has processed its record",
  rendering: "its record cannot be encoded, and the letter holds a rendering of it",
};

/**
 * Gives dead letters to their instances again, oldest first.
 *
 * @throws NOT_FOUND when there is no such job, or no letter of one of the numbers: then nothing has gone; JOB_NOT_RUNNABLE when the job has completed or
 * failed, or is being deleted; TIMEOUT, UNAVAILABLE: some may have gone, and the command may be repeated
 */
export async function replayDeadLetters(
  administrator: Administrator,
  job: string,
  choice: LetterChoice,
): Promise<RedeliveryResult> {
  const found = await findJob(administrator, job);
  const names = new JobNames(job, found.record.generation);
  await checkGoesOn(administrator, found, names);
  const letters = await ("numbers" in choice
    ? getDeadLetters(administrator, job, choice.numbers)
    : listDeadLetters(administrator, job, choice.filter));
  const redelivery = new Redelivery(administrator, found, names);
  const fates: { readonly number: string; readonly fate: Fate }[] = [];
  for (const letter of letters) fates.push({ number: letter.number, fate: await redelivery.give(letter) });
  const numbersOf = (wanted: Fate) => fates.flatMap(({ number, fate }) => (fate === wanted ? [number] : []));
  const refused = fates.flatMap(({ number, fate }) =>
    typeof fate === "string" ? [] : [{ number, reason: fate.refused }],
  );
  return { job, replayed: numbersOf("replayed"), before: numbersOf("before"), refused };
}

/** What has become of a letter. */
type Fate = "replayed" | "before" | { readonly refused: string };

/** One giving of letters: what it has found out of their instances holds for all of them. */
class Redelivery {
  readonly #administrator: Administrator;
  readonly #found: FoundJob;
  readonly #names: JobNames;
  readonly #sources: ReadonlySet<string>;
  readonly #targets = new Map<string, Target>();

  constructor(administrator: Administrator, found: FoundJob, names: JobNames) {
    this.#administrator = administrator;
    this.#found = found;
    this.#names = names;
    const stages = stagesIn(found.record.plan);
    this.#sources = new Set(stages.flatMap(({ name, source }) => (source === undefined ? [] : [name])));
  }

  /** Puts a letter into the inbox of its instance. @throws TIMEOUT, UNAVAILABLE, SERVER_REFUSED */
  async give(letter: NumberedLetter): Promise<Fate> {
    const control = controlOf(letter, this.#sources.has(letter.stage));
    if (typeof control === "string") return { refused: control };
    const name = `${letter.stage}/${letter.partition}`;
    const target = this.#targets.get(name) ?? (await openTarget(this.#administrator, this.#found, this.#names, letter));
    this.#targets.set(name, target);
    if (isWithin(target.taken, letter.ordinal)) return "before";
    if (target.isEnded) return { refused: `the input of ${name} has ended: it says nothing any more` };
    if (await hasGone(target, control)) return "replayed";
    return { refused: `LOG_FULL: the inbox of ${name} is full; repeat the command when it has read on` };
  }
}

async function checkGoesOn(administrator: Administrator, { record }: FoundJob, names: JobNames): Promise<void> {
  const { job, generation } = names;
  if (record.state === "deleting") throw new StreamError("JOB_NOT_RUNNABLE", `job ${job} is being deleted`);
  const reading = await readJob(administrator, names);
  if (reading === undefined)
    throw new StreamError("NOT_FOUND", `job ${job}, generation ${generation}, has no job log (any more)`);
  const { state } = reading.view.life;
  reading.close();
  if (state === "completed")
    throw new StreamError(
      "JOB_NOT_RUNNABLE",
      `job ${job}, generation ${generation}, has completed, and takes nothing more: feed the records to a new generation (tidemark run FILE --new)`,
    );
  if (state === "failed")
    throw new StreamError(
      "JOB_NOT_RUNNABLE",
      `job ${job}, generation ${generation}, has failed: let it go on with tidemark restart ${job}, then replay`,
    );
}

/** The control for a letter; or why there is none. */
function controlOf(letter: NumberedLetter, isOfSource: boolean): Uint8Array | string {
  const { origin, edge, stage, ordinal, value, timestamp } = letter;
  // A letter of an earlier version does not say what it is.
  if ((origin as LetterOrigin | undefined) === undefined)
    return "it was written by an earlier version, which did not say what its value is";
  if (origin !== "record") return notRecords[origin];
  if (edge === undefined && !isOfSource)
    return `it is of a call or batch of stage ${stage}, which has several inputs: which one the record came over is not known`;
  if (edge === undefined)
    return `it failed in the source stage ${stage}, which has no inbox to put it into: mend it where the source reads it`;
  const encoded = defaultCodec.encode(value);
  return encodeControl({
    kind: "redelivery",
    letter: ordinal,
    edge,
    value: encoded,
    timestamp: timestamp ?? Number.NaN,
  });
}

async function openTarget(
  administrator: Administrator,
  { registers }: FoundJob,
  names: JobNames,
  { stage, partition }: NumberedLetter,
): Promise<Target> {
  const inbox = await administrator.seams.logs.open(names.inbox(stage, partition));
  const { bytes, config } = await inbox.info();
  const stored = await registers.get(names.pointer(stage, partition));
  const pointer = stored === undefined ? undefined : decodePointer(stored.value);
  const manifest = await readManifest(administrator, names, stage, { partition }, pointer);
  const roomBytes = config.maxBytes - watermarkReserveBytes - fenceReserveBytes - bytes;
  return { inbox, taken: manifest?.redelivered ?? [], isEnded: manifest?.watermark === Infinity, roomBytes };
}

/** Whether the control is in the inbox; false when there is no room for it (RL3). */
async function hasGone(target: Target, control: Uint8Array): Promise<boolean> {
  if (control.byteLength > target.roomBytes) return false;
  try {
    await target.inbox.append(control);
  } catch (error) {
    if (StreamError.is(error, "LOG_FULL")) return false;
    throw error;
  }
  target.roomBytes -= control.byteLength;
  return true;
}
