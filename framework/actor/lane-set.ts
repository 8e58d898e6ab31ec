/**
 * The lanes of one worker: one per target log, made when first needed.
 */
import type { Log } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { Plan } from "../plan/plan.ts";
import type { Platform } from "../platform/platform.ts";
import { loopFullShare, loopRoomyShare } from "../protocol/room.ts";
import type { LaneMeasures } from "../telemetry/measures.ts";
import { FlightBudget } from "./flight-budget.ts";
import { Lane, type LaneEvents, type LaneOptions } from "./lane.ts";
import type { OutputLane } from "./outputs.ts";

/** Frames in flight where a log has one copy, and where it has several (acks take longer there). */
const framesMaxSingle = 4;
const framesMaxReplicated = 16;
/** What a lane holds before those who speak into it take no turn, where nobody says otherwise. */
const laneBytesDefault = 1024 * 1024;
/** … of what data may fill of an inbox, at most: what lanes hold must find room there before a loop behind it comes to rest. */
const laneShareMax = 1 / 8;
/** R3: what all lanes of a worker may have in flight together. */
const flightBytesMax = 8 * 1024 * 1024;

interface LaneEntry {
  readonly lane: Lane;
  /** Name of the stage, or `dead` or `late`. */
  readonly to: string;
  resends: number;
}

/** Lanes by target. */
export class LaneSet {
  readonly #platform: Platform;
  readonly #plan: Plan;
  readonly #names: JobNames;
  readonly #open: (log: string) => Promise<Log>;
  readonly #events: Pick<LaneEvents, "onLost" | "lanesInto">;
  readonly #lanes = new Map<string, LaneEntry>();
  readonly #laneBytesMax: number;
  readonly #flight = new FlightBudget(flightBytesMax);

  constructor(
    platform: Platform,
    plan: Plan,
    names: JobNames,
    open: (log: string) => Promise<Log>,
    events: Pick<LaneEvents, "onLost" | "lanesInto">,
    laneBytesMax: number = laneBytesDefault,
  ) {
    this.#platform = platform;
    this.#plan = plan;
    this.#names = names;
    this.#open = open;
    this.#events = events;
    this.#laneBytesMax = laneBytesMax;
  }

  /** The lane into an inbox of stage `to`, or into one of the job's own streams. */
  find(to: number | "dead" | "late", partition: number): OutputLane {
    const name = this.#nameOf(to, partition);
    const known = this.#lanes.get(name);
    if (known !== undefined) return known.lane;
    const lane = new Lane(this.#platform, this.#open(name), this.#optionsFor(to), {
      ...this.#events,
      onResend: (frames) => {
        entry.resends += frames;
        this.#platform.logger.log("debug", "a lane sends again", { log: name, frames });
      },
    });
    const entry: LaneEntry = {
      lane,
      to: typeof to === "number" ? (this.#plan.stages[to]?.name ?? "") : to,
      resends: 0,
    };
    this.#lanes.set(name, entry);
    return lane;
  }

  /** For so long none of the logs has stored anything of what is sent, ms; 0 while one does, while nothing is sent, and while there is only no room. */
  unstoredMs(nowMs: number): number {
    const lanes = [...this.#lanes.values()].map(({ lane }) => lane);
    const failingSinceMs = Math.min(...lanes.map((lane) => lane.failingSinceMs ?? Infinity));
    if (failingSinceMs === Infinity) return 0;
    const storedAtMs = Math.max(...lanes.map((lane) => lane.storedAtMs));
    return Math.max(0, Math.round(nowMs - Math.max(failingSinceMs, storedAtMs)));
  }

  /** What others may measure: the lanes into the inboxes of one stage together. */
  measures(): LaneMeasures[] {
    const sums = new Map<string, LaneMeasures>();
    for (const { to, lane, resends } of this.#lanes.values()) {
      const sum = sums.get(to) ?? { to, frames: 0, resends: 0, bytes: 0 };
      const { frames, bytes } = sum;
      sums.set(to, {
        to,
        frames: frames + lane.framesSent,
        resends: sum.resends + resends,
        bytes: bytes + lane.bytes,
      });
    }
    return [...sums.values()];
  }

  close(): void {
    for (const { lane } of this.#lanes.values()) lane.close();
  }

  #nameOf(to: number | "dead" | "late", partition: number): string {
    if (to === "dead") return this.#names.deadLetters;
    if (to === "late") return this.#names.late;
    return this.#names.inbox(this.#plan.stages[to]?.name ?? "", partition);
  }

  #optionsFor(to: number | "dead" | "late"): LaneOptions {
    const { frameBytesTarget, frameBytesMax, lingerMs, replicas, inboxBytes } = this.#plan.options;
    const framesMax = replicas > 1 ? framesMaxReplicated : framesMaxSingle;
    const feedbackBytes = typeof to === "number" ? this.#plan.stages[to]?.feedbackBytes : undefined;
    // The side streams drop their oldest messages: there is always room.
    const dataBytesMax = typeof to === "number" ? (feedbackBytes ?? inboxBytes) : Infinity;
    const bounds = {
      frameBytesTarget,
      frameBytesMax,
      lingerMs,
      framesMax,
      laneBytesMax: Math.min(this.#laneBytesMax, inboxBytes * laneShareMax),
      dataBytesMax,
    };
    const overflowBytes = feedbackBytes === undefined ? undefined : inboxBytes;
    const filling =
      feedbackBytes === undefined
        ? undefined
        : { aboveBytes: inboxBytes * loopFullShare, untilBytes: inboxBytes * loopRoomyShare };
    return { ...bounds, replicas, overflowBytes, filling, flight: this.#flight };
  }
}
