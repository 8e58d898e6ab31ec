/**
 * The watchdog of a process, in a thread of its own: the one who is stuck cannot say so.
 *
 * Owns the end of a process that stands still, and its last words: on stderr, and in the suspect register where there is one.
 *
 * WD1. What it says is written before the process ends, or not at all: an end is not put off for more than some seconds.
 * WD2. It says nothing of a process that ends outside of turns.
 */
import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { messageOf } from "../errors.ts";
import { stderrLogger } from "../platform/logger.ts";
import { realClock } from "../platform/real-clock.ts";
import { SuspectWriter, type SuspectPlace } from "./suspect-writer.ts";
import { TurnBoard, type TurnUnderWay } from "./turn-board.ts";
import { lookEveryMs, TurnWatch } from "./turn-watch.ts";

/** What the thread is started with. */
export interface WatchdogOrder {
  readonly buffer: SharedArrayBuffer;
  readonly turnMsMax: number;
  /** Whether an event loop that stands still outside of turns ends the process, too. */
  readonly endsStalled: boolean;
  readonly job: string;
  /** Names of the stages, by index. */
  readonly stages: readonly string[];
  /** @default nobody else is told */
  readonly place: SuspectPlace | undefined;
}

/** Time for last words to be stored, ms. */
const wordsMsMax = 5_000;
const stderrNumber = 2;

const order = workerData as WatchdogOrder;
const clock = realClock();
const board = new TurnBoard(order.buffer);
const watch = new TurnWatch(order.turnMsMax);
const writer = order.place === undefined ? undefined : new SuspectWriter(order.place);
// The stream of this thread goes through the one that stands still.
const logger = stderrLogger({ write: (line) => void writeSync(stderrNumber, line) }).child({ job: order.job });

function nameOf({ instance }: TurnUnderWay): string {
  return `${order.stages[instance.stage] ?? instance.stage}/${instance.partition}`;
}

/** Whose turn it is, or was, for whoever looks afterwards. */
async function accuse({ instance, epoch, position }: TurnUnderWay, isUnderWay: boolean): Promise<void> {
  const site = { sequence: isUnderWay ? position + 1 : 0, step: 0 };
  const late = new Promise<void>((resolve) => clock.schedule(wordsMsMax, resolve));
  try {
    await Promise.race([writer?.write({ instance, epoch, site, isCertain: isUnderWay }), late]);
  } catch (error) {
    logger.log("warn", "the suspect register cannot be written", { reason: messageOf(error) });
  }
}

async function endProcess(turn: TurnUnderWay | undefined): Promise<void> {
  const afterMs = order.turnMsMax;
  if (turn === undefined)
    logger.log("error", "the event loop stands still, outside of any turn: this process is ended", { afterMs });
  else {
    const fields = { instance: nameOf(turn), epoch: turn.epoch, behind: turn.position, afterMs };
    logger.log("error", "a turn has not ended in time (poison.turnTimeout): this process is ended", fields);
    await accuse(turn, true);
  }
  process.kill(process.pid, "SIGKILL");
}

function look(): void {
  const found = watch.look(board.look(), clock.monotonicMs());
  if (found.kind === "slow") void accuse(found.turn, true);
  if (found.kind === "relieved") void accuse(found.turn, false);
  if (found.kind === "stuck") return void endProcess(found.turn);
  if (found.kind === "stalled" && order.endsStalled) return void endProcess(undefined);
  clock.schedule(lookEveryMs(order.turnMsMax), look);
}

async function hearExits(): Promise<void> {
  await board.asked();
  const { turn } = board.look();
  if (turn !== undefined) {
    const fields = { instance: nameOf(turn), epoch: turn.epoch, behind: turn.position };
    logger.log(
      "error",
      "this process is ended from within a turn: by process.exit, or an error that nobody caught",
      fields,
    );
    await accuse(turn, true);
  }
  board.give();
}

look();
void hearExits();
