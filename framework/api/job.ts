/**
 * Where a program begins: the job and its sources.
 */
import type { SourceSpec } from "../log/source.ts";
import { checkKnownOptions } from "../known-options.ts";
import type { JobOptions } from "../plan/options.ts";
import type { FeedbackNode, Program, ProgramNode, ProgramProblem } from "../plan/program.ts";
import { feedbackOf, streamOf, type ProgramRecord } from "./recorded.ts";
import type { Feedback, Stream } from "./stream.ts";

/** Options of {@link Job.feedback}. */
export interface FeedbackOptions {
  /**
   * What may wait to go round again, in bytes per partition; at least `inboxBytes`. Reserved like an inbox. Sources wait while it is filled to three quarters of an
   * inbox: the rest is for what is already behind them.
   * @default four times `inboxBytes`
   */
  readonly bytes?: number | undefined;
}

/** A named dataflow, as it is being written: its options, and everything said so far. */
export interface Job extends Program {
  /**
   * Reads a source. The name is the name of its stage.
   *
   * @example
   * const readings = plant.source("readings", csv("readings/*.csv"));
   */
  source<T>(name: string, spec: SourceSpec<T>): Stream<T>;

  /**
   * Begins a loop: a stream of what is sent back to it further down, with `to`. Each record goes round exactly once, whatever crashes. What comes back has the
   * timestamp it was sent with and moves no event time: that comes from the streams that it is united with, so it may be late.
   *
   * The loop ends when everything else that leads into it has ended and nothing is on its way round: then what waits for event time in it fires, what comes of that
   * goes round, too, and when nothing is on its way again it is over. While more goes round than its inboxes hold, the sources before it wait; a loop that makes
   * ever more of what goes round ends the job (LOOP_FULL).
   *
   * @example
   * const retries = shop.feedback<Order>("retries");
   * const { again, done } = orders.union(retries).map(attempt).split({ again: (o) => o.failed && o.attempts < 3, done: (o) => !o.failed });
   * again.to(retries);
   */
  feedback<T>(name: string, options?: FeedbackOptions): Feedback<T>;
}

/**
 * Begins a job. What is built on it is a description: nothing runs, and nothing is refused, until `run`, `start` or `plan` is given the job. Its name
 * (1 to 32 of a-z, 0-9 and "-") is in the name of everything that it leaves on a cluster.
 *
 * @example
 * const monitor = job("host-monitor", { partitions: 4 });
 * const metrics = monitor.source("metrics", hostMetrics({ every: "200ms" }));
 */
export function job(name: string, options: JobOptions = {}): Job {
  const nodes: ProgramNode[] = [];
  const problems: ProgramProblem[] = [];
  const record: ProgramRecord = {
    add(node) {
      nodes.push(node);
      return node;
    },
    checked(node, say, instead) {
      try {
        return say();
      } catch (error) {
        problems.push({ behind: node, error });
        return instead;
      }
    },
  };
  return {
    name,
    options,
    nodes,
    problems,
    source: <T>(source: string, spec: SourceSpec<T>) =>
      streamOf<T>(record, record.add({ kind: "source", name: source, spec })),
    feedback: <T>(feedback: string, of: FeedbackOptions = {}) => {
      const node = record.add<FeedbackNode>({ kind: "feedback", name: feedback, bytes: of.bytes });
      record.checked(node, () => checkFeedback(of), undefined);
      return feedbackOf<T>(record, node);
    },
  };
}

function checkFeedback(options: FeedbackOptions): void {
  checkKnownOptions(options, ["bytes"], "feedback");
}
