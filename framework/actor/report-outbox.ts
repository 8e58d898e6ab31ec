/**
 * The reports of a worker's instances on their way to the leader.
 *
 * Owns which instances have news and when the next batch goes: at once when something has changed, at most every 2 ms, all in one message. A report is a level, so a
 * batch that is lost is made good by the next one.
 */
import type { Clock } from "../platform/platform.ts";
import type { Report } from "../record/messages.ts";
import type { Reporter } from "./host.ts";

const reportMsMin = 2;

/** Collects and sends reports. */
export class ReportOutbox {
  readonly #clock: Clock;
  readonly #send: (reports: readonly Report[]) => void;
  /** Made anew for each batch. */
  #waiting = new Set<Reporter>();
  #sentAtMs = -Infinity;
  #isScheduled = false;
  #isClosed = false;

  constructor(clock: Clock, send: (reports: readonly Report[]) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** An instance may have something new to say. */
  changed(instance: Reporter): void {
    if (!instance.hasNews) return;
    this.#waiting.add(instance);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const waitMs = Math.max(0, this.#sentAtMs + reportMsMin - this.#clock.monotonicMs());
    this.#clock.schedule(waitMs, () => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  /** All of these report, news or not: a new leader has come, or a second has passed. */
  reportAll(instances: Iterable<Reporter>): void {
    for (const instance of instances) this.#waiting.add(instance);
    this.flush();
  }

  /** Sends what waits. A fenced incarnation has nothing to say: its successor speaks. */
  flush(): void {
    if (this.#isClosed || this.#waiting.size === 0) return;
    this.#sentAtMs = this.#clock.monotonicMs();
    const reports = [...this.#waiting].filter(({ phase }) => phase !== "fenced").map((instance) => instance.report());
    this.#waiting = new Set();
    if (reports.length > 0) this.#send(reports);
  }

  close(): void {
    this.#isClosed = true;
  }
}
