/**
 * The family `joins`: interval joins, and joins and groups of windows.
 */
import { job } from "../../api/job.ts";
import type { KeyedStream } from "../../api/keyed-stream.ts";
import type { JoinStream } from "../../api/joined-streams.ts";
import { callback } from "../../connectors/callback.ts";
import type { FiringWindows } from "../../window/assigner.ts";
import type { Evictor } from "../../window/evictor.ts";
import type { Trigger } from "../../window/trigger.ts";
import { type Family, numberIn, recordsOf, valueOf } from "./family.ts";
import type { GoldenCase, GoldenOutput, GoldenRecord } from "./format.ts";
import { named } from "./named.ts";
import { shapeOf, type GoldenWindows } from "./windows.ts";

type Pipeline = GoldenCase["pipeline"];
type Joined = JoinStream<GoldenRecord, GoldenRecord, GoldenOutput>;
type Keyed = KeyedStream<string, GoldenRecord>;
type Join = (pipeline: Pipeline, left: Keyed, right: Keyed) => Joined;

/** What may be said of the windows of two streams. */
interface Windows<Self> {
  trigger(trigger: Trigger<GoldenRecord>): Self;
  evict(evictor: Evictor<GoldenRecord>): Self;
  allowedLateness(duration: number): Self;
}

function shaped<W extends Windows<W>>(pipeline: Pipeline, over: (windows: FiringWindows<GoldenRecord>) => W): W {
  const { assigner, allowedLatenessMs = 0, trigger, evictor } = shapeOf(pipeline as unknown as GoldenWindows);
  let windows = over(assigner as FiringWindows<GoldenRecord>).allowedLateness(allowedLatenessMs);
  if (trigger !== undefined) windows = windows.trigger(trigger);
  return evictor === undefined ? windows : windows.evict(evictor as Evictor<GoldenRecord>);
}

const kinds: Readonly<Record<string, Join>> = {
  interval(pipeline, left, right) {
    const [lower, upper] = [numberIn(pipeline, "lower"), numberIn(pipeline, "upper")];
    const bounds =
      `${pipeline["lowerInclusive"] === false ? "(" : "["}${pipeline["upperInclusive"] === false ? ")" : "]"}` as const;
    return left.intervalJoin(right, { lower, upper, bounds }).select((a, b) => ({
      key: a.key,
      left: valueOf(a),
      right: valueOf(b),
      leftTs: a.ts,
      rightTs: b.ts,
    }));
  },
  windowJoin: (pipeline, left, right) =>
    shaped(pipeline, (windows) => left.join(right).window(windows)).select((a, b) => ({
      key: a.key,
      left: valueOf(a),
      right: valueOf(b),
    })),
  coGroup: (pipeline, left, right) =>
    shaped(pipeline, (windows) => left.coGroup(right).window(windows)).select((lefts, rights, { key }) => [
      { key, left: lefts.map((record) => valueOf(record)), right: rights.map((record) => valueOf(record)) },
    ]),
};

/** A case of the family as a job. @throws RangeError when it names what the format has not */
export const joins: Family = ({ pipeline }) => {
  const golden = job("golden");
  const keyed = (name: string): Keyed => recordsOf(golden, name).keyBy(({ key }) => key);
  const join = named(kinds, String(pipeline["type"]), "join");
  const tested = join(pipeline, keyed("left"), keyed("right")).named("tested");
  tested.to(callback("main", () => undefined));
  const hasLate = pipeline["lateOutput"] === true;
  if (hasLate)
    tested
      .lateLeft()
      .union(tested.lateRight())
      .to(callback("late", () => undefined));
  return { job: golden, sources: ["left", "right"], stage: "tested", hasLate };
};
