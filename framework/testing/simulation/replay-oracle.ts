/**
 * O5: whoever restores a snapshot and goes on says and is what the job has said and is.
 *
 * Runs instances of the simulated job again, by the means that users have for it, while the job works and when it is done. What the job has trimmed meanwhile
 * cannot be replayed, and is no violation.
 */
import type { Administrator } from "../../administration/administrator.ts";
import { messageOf, StreamError, type ErrorCode } from "../../errors.ts";
import type { Plan } from "../../plan/plan.ts";
import { replayInstance } from "../../replay/replay.ts";
import type { Violation } from "./contract.ts";
import type { Journal } from "./journal.ts";

/** Nothing is there (any more) to be replayed; or the job has not got so far, or is another generation by now. */
const harmless: ReadonlySet<string> = new Set<ErrorCode>(["DATA_LOST", "NOT_FOUND", "OPTION_INVALID", "JOB_MISMATCH"]);

/** Replays. */
export class ReplayOracle {
  readonly violations: Violation[] = [];
  readonly #administrator: Administrator;
  readonly #journal: Journal;

  constructor(administrator: Administrator, journal: Journal) {
    this.#administrator = administrator;
    this.#journal = journal;
  }

  /** Replays one instance of the generation that has this plan; resolves when it is known what it came to. */
  async replay(plan: Plan, instance: string): Promise<void> {
    const { logger } = this.#administrator.platform;
    try {
      const ends = { cluster: undefined, logger };
      const report = await replayInstance(this.#administrator, plan.job, { instance, plan, ends });
      const { from, to, records, isEqual } = report;
      this.#journal.write(`replay of ${instance}: ${from} to ${to}, ${records} records, ${isEqual}`);
      // What seems to be missing may be on its way again: a gap in the log is no difference, and O3 sees to it that none stays.
      const isOther = report.outputs.difference?.kind === "different" || (report.state?.different.length ?? 0) > 0;
      if (isOther) this.#violate(instance, JSON.stringify({ outputs: report.outputs, state: report.state }));
    } catch (error) {
      this.#journal.write(`replay of ${instance}: ${messageOf(error)}`);
      if (!StreamError.is(error) || !harmless.has(error.code)) this.#violate(instance, messageOf(error));
    }
  }

  #violate(instance: string, what: string): void {
    this.violations.push({ oracle: "O5", what: `a replay of ${instance} is another run: ${what.slice(0, 600)}` });
  }
}
