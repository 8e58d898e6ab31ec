/**
 * An instance in a thread, as the worker sees it that it was assigned to: on probation (R15), or because its stage asks for threads.
 *
 * Owns its place in a thread from start to end. While it lives there, the instance reports for itself, in the worker's name; when it is gone, this reports that it has
 * let go or failed, and where.
 *
 * PR1. The message that it died in last is begun after a wait of a length that nobody knows before: who ends processes from outside, always as soon as they have
 *      started, does not hit the same step again.
 */
import { StreamError } from "../errors.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import type { InstanceId, Report } from "../record/messages.ts";
import type { CrashSite, Suspect } from "../record/poison.ts";
import type { Reporter } from "./host.ts";
import type { InstancePhase } from "./instance-machine.ts";
import { noLoad } from "./job-status.ts";
import type { HostedCell, CellOrder, StartCell } from "./cell-contract.ts";
import type { SuspectRegister } from "./suspect-register.ts";

/** Behind the number of every report of the thread. */
const threadNMax = 2 ** 52;

/** PR1, ms. */
const waitMsMin = 500;
const waitMsMax = 2_500;

/** What it needs of its worker. */
export interface CellInstanceWorld {
  readonly platform: Platform;
  readonly register: SuspectRegister;
  readonly startCell: StartCell;
  /** The program cannot be run in a thread: the instance is to be hosted like any other, at the same epoch. */
  onUnusable(reason: string): void;
  /** There is something to report. */
  onChanged(reporter: Reporter): void;
}

/** One incarnation in a thread. */
export class CellInstance implements Reporter {
  readonly id: InstanceId;
  readonly epoch: number;
  readonly #world: CellInstanceWorld;
  readonly #order: CellOrder;
  #cell: HostedCell | undefined;
  #phase: InstancePhase = "claiming";
  #failure = "";
  #n = threadNMax;
  #site: CrashSite | undefined;
  #hasWaited = false;
  #cancelWait: Cancel | undefined;

  constructor(world: CellInstanceWorld, order: CellOrder) {
    this.#world = world;
    this.#order = order;
    this.id = order.instance;
    this.epoch = order.epoch;
  }

  /** `claiming` while the thread speaks for itself. */
  get phase(): InstancePhase {
    return this.#phase;
  }

  get hasNews(): boolean {
    return this.#phase === "failed" || this.#phase === "released";
  }

  start(): void {
    this.#cell = this.#world.startCell(this.#order, {
      onStep: (site, known) => this.#whenSafe(site, () => this.#enter(site, known)),
      onRest: () => this.#leaveRegister(),
      onGone: (reason, site) => this.#gone(reason, site),
      onEnded: () => this.#endAs("released"),
      onUnusable: (reason) => this.#unusable(reason),
    });
  }

  release(): void {
    this.#cell?.release();
  }

  /** Ends it, with its thread: a newer assignment has been read, or the worker goes. */
  fail(error: unknown): void {
    if (this.#phase === "claiming") this.#failure = StreamError.is(error) ? `${error.code}: ${error.message}` : "";
    this.#endAs(StreamError.is(error, "FENCED") ? "fenced" : "failed");
  }

  report(): Report {
    this.#n += 1;
    return {
      instance: this.id,
      epoch: this.epoch,
      n: this.#n,
      position: 0,
      watermark: -Infinity,
      due: -Infinity,
      activity: "active",
      state: this.#phase,
      snapshot: 0,
      failure: this.#failure,
      load: noLoad,
      site: this.#site,
    };
  }

  #enter(site: CrashSite, known: () => void): void {
    if (this.#phase === "claiming") this.#world.register.enter(this, { ...this.#suspect(), site }, known);
  }

  #whenSafe({ sequence }: CrashSite, enter: () => void): void {
    if (this.#hasWaited || sequence !== this.#order.site?.sequence) return enter();
    this.#hasWaited = true;
    const { clock, random } = this.#world.platform;
    const waitMs = waitMsMin + random.next() * (waitMsMax - waitMsMin);
    this.#cancelWait = clock.schedule(waitMs, enter);
  }

  #gone(reason: string, site: CrashSite | undefined): void {
    if (this.#phase !== "claiming") return;
    this.#failure = reason;
    this.#site = site;
    this.#endAs("failed");
  }

  /** Nothing has been claimed yet. */
  #unusable(reason: string): void {
    if (this.#phase !== "claiming") return;
    this.#phase = "fenced";
    this.#world.onUnusable(reason);
  }

  #endAs(phase: InstancePhase): void {
    if (this.#phase !== "claiming") return;
    this.#phase = phase;
    this.#cancelWait?.();
    this.#cell?.kill();
    this.#leaveRegister();
    this.#world.onChanged(this);
  }

  /** Only what is on probation is suspected. */
  #leaveRegister(): void {
    if (this.#order.isOnProbation) this.#world.register.leave(this, this.#suspect());
  }

  /** Others of the same process may be in a turn, too: it is not certain. */
  #suspect(): Suspect {
    return { instance: this.id, epoch: this.epoch, site: { sequence: 0, step: 0 }, isCertain: false };
  }
}
