/**
 * O3: every incarnation says the same, and numbers have no holes.
 *
 * Owns what has been said under each number of each channel, as the logs have stored it, also of what receivers drop.
 */
import type { Plan } from "../../plan/plan.ts";
import type { InboxMessage, Section } from "../../record/frame.ts";
import type { Violation } from "./contract.ts";

interface Said {
  /** By number, from 1. */
  readonly records: (string | undefined)[];
}

/** Watches the inboxes and side streams. */
export class ChannelOracle {
  readonly violations: Violation[] = [];
  readonly #plan: Plan;
  readonly #channels = new Map<string, Said>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** A message has been stored in a log that takes frames. */
  onStored(log: string, message: InboxMessage): void {
    if (message.kind !== "frame") return;
    for (const section of message.sections) this.#section(log, section);
  }

  /** What must not be missing once the job is complete, and is. */
  missing(): readonly Violation[] {
    return [...this.#channels].flatMap(([name, { records }]) => {
      const number = records.findIndex((record, at) => at > 0 && record === undefined);
      return number < 0 ? [] : [{ oracle: "O3" as const, what: `${name}: number ${number} was never stored` }];
    });
  }

  #section(log: string, section: Section): void {
    const { edge, from, first, epoch } = section;
    const plan = this.#plan.edges[edge];
    const name = `${plan?.name} from ${from} into ${log}`;
    const said = this.#channels.get(name) ?? { records: [undefined] };
    this.#channels.set(name, said);
    const { values, timestamps } = section.decode(plan?.codec);
    for (const [at, value] of values.entries()) {
      const text = `${timestamps?.[at]} ${textOf(value)}`;
      const known = said.records[first + at];
      said.records[first + at] = text;
      if (known !== undefined && known !== text)
        this.#violate(`${name}: record ${first + at} was ${known}, epoch ${epoch} says ${text}`);
    }
  }

  #violate(what: string): void {
    if (this.violations.length < 3) this.violations.push({ oracle: "O3", what });
  }
}

/** The value as text that tells everything apart that a codec keeps apart. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`;
    if (typeof part === "number" && (!Number.isFinite(part) || Object.is(part, -0))) return `number ${String(part)}`;
    return part;
  });
}
