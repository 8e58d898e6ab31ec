/**
 * The process that starts workers, as others in the job see it: it says that it lives, and obeys when it is told to keep more workers, or fewer.
 *
 * Owns its presence on the Bus and its hold on the job log; the workers are the crew's.
 *
 * ST1. What is wanted is read from the job log, as a level: the newest size that names this starter. Another starter is another process with another id.
 */
import type { JobBus } from "../actor/job-bus.ts";
import { JobLogTail } from "../actor/job-log-tail.ts";
import { repeat } from "../actor/repeat.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import type { FleetView } from "../protocol/fleet-view.ts";

/** The workers that it keeps. */
export interface KeptWorkers {
  /** Those that have joined and live. */
  readonly joined: number;
  /** Keeps so many; when that is fewer, those of `drained` (ids of workers that take nothing) go first. */
  resize(workers: number, drained: ReadonlySet<string>): void;
}

/** Where it is. */
export interface StarterPlace {
  readonly host: string;
  readonly processId: number;
  /** More than that it cannot keep, and why. */
  readonly most: { readonly workers: number; readonly reason: string };
}

const presentMs = 500;
const idLength = 8;

/** A starter at work. Close it. */
export class Starter {
  readonly id: string;
  readonly #platform: Platform;
  readonly #bus: JobBus;
  readonly #openLog: () => Promise<Log>;
  readonly #workers: KeptWorkers;
  readonly #place: StarterPlace;
  readonly #endings: (() => void)[] = [];
  #isClosed = false;
  #obeyed: number | undefined;

  /** @param openLog opens the job log, when the first worker has created it */
  constructor(platform: Platform, bus: JobBus, openLog: () => Promise<Log>, workers: KeptWorkers, place: StarterPlace) {
    this.id = platform.random.id(idLength);
    this.#platform = platform;
    this.#bus = bus;
    this.#openLog = openLog;
    this.#workers = workers;
    this.#place = place;
  }

  /** Begins; what goes wrong is logged, and the workers stay as many as they are. */
  start(): void {
    const present = () => this.#present();
    this.#endings.push(repeat(this.#platform.clock, presentMs, present));
    present();
    this.#follow().catch((error: unknown) => this.#deaf(error));
  }

  close(): void {
    this.#isClosed = true;
    for (const end of this.#endings.splice(0)) end();
  }

  #present(): void {
    const { host, processId } = this.#place;
    this.#bus.presentStarter({ starter: this.id, host, processId, workers: this.#workers.joined });
  }

  async #follow(): Promise<void> {
    const log = await this.#openLog();
    if (this.#isClosed) return;
    const tail = new JobLogTail(this.#platform, log, {
      onRead: () => this.#obey(tail.view.fleet),
      onBroken: (error) => this.#deaf(error),
    });
    this.#endings.push(() => tail.close());
    await tail.open();
  }

  // ST1
  #obey(fleet: FleetView): void {
    const wanted = fleet.sizeOf(this.id);
    if (wanted === undefined || wanted === this.#obeyed || this.#isClosed) return;
    this.#obeyed = wanted;
    const { workers: most, reason } = this.#place.most;
    const workers = Math.min(wanted, most);
    if (workers < wanted)
      this.#platform.logger.log("error", `fewer workers than wanted: ${reason}`, { wanted, workers });
    this.#platform.logger.log("info", "the fleet is scaled by a command", { workers });
    this.#workers.resize(workers, fleet.drained);
    this.#present();
  }

  #deaf(error: unknown): void {
    if (this.#isClosed) return;
    const reason = messageOf(error);
    this.#platform.logger.log("warn", "the job log cannot be followed: tidemark scale has no effect here", { reason });
  }
}
