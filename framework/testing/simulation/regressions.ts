/**
 * Seeds that have found something, each with what it found: run by the tests for ever.
 *
 * A seed is what it is as long as nothing draws more or fewer numbers before it fails; where a schedule matters, there is a directed test besides.
 */

/** A seed that failed once. */
export interface Regression {
  readonly seed: number;
  readonly mix: string;
  readonly workload: string;
  /** What was wrong, in one sentence. */
  readonly found: string;
}

/** The seeds. */
export const regressions: readonly Regression[] = [
  {
    seed: 22,
    mix: "zombies",
    workload: "timing",
    found: "a dead letter whose frame had been overtaken was dropped by readers of the stream",
  },
  {
    seed: 52,
    mix: "rooms",
    workload: "counting",
    found: "a frame larger than its lane's share of the room was never sent",
  },
  {
    seed: 191,
    mix: "tail-loss",
    workload: "mapping",
    found: "a job log that had lost assignments gave epochs out again, and all instances were fenced for ever",
  },
  {
    seed: 57,
    mix: "tail-loss",
    workload: "counting",
    found: "messages that an inbox lost before they were read were computed over: the job completed without them",
  },
  { seed: 86, mix: "tail-loss", workload: "diamond", found: "the same while the place could not be reached" },
  {
    seed: 800199,
    mix: "skips",
    workload: "idling",
    found: "a replay of a working instance called a chunk corrupt that the job had collected while it was being loaded",
  },
  {
    seed: 11,
    mix: "tail-loss",
    workload: "mapping",
    found: "what an inbox lost of a sender that says nothing more, while nobody lived, was computed over",
  },
  {
    seed: 213,
    mix: "acks",
    workload: "mapping",
    found: "a crashed actor stored a chunk of its snapshot after its successor had swept what it had left",
  },
  {
    seed: 4342,
    mix: "tail-loss",
    workload: "timing",
    found: "what an inbox had lost was said again behind the end of its edge, and came to nothing",
  },
  {
    seed: 4175,
    mix: "tail-loss",
    workload: "counting",
    found: "a loss that a lane found while no instance was alive was told to nobody, and the lane stayed closed",
  },
  {
    seed: 6047,
    mix: "tail-loss",
    workload: "timing",
    found: "an inbox lost its tail to a sender that had nothing more to say",
  },
  {
    seed: 8418,
    mix: "tail-loss",
    workload: "timing",
    found: "an inbox lost records together with the epoch-start that would have told",
  },
  {
    seed: 6367,
    mix: "tail-loss",
    workload: "mapping",
    found: "rows of one number that were not the same went into a sink",
  },
  {
    seed: 10_728,
    mix: "tail-loss",
    workload: "asking",
    found: "the leaders of a job log that was created anew were not heard",
  },
  {
    seed: 75,
    mix: "brim",
    workload: "timing",
    found: "a fence waited behind a watermark for which its inbox had no room, and which makes none",
  },
  {
    seed: 92,
    mix: "brim",
    workload: "mapping",
    found:
      "what had been assigned to a worker that was going already was hosted by nobody, as long as that could not go",
  },
  {
    seed: 133,
    mix: "brim",
    workload: "diamond",
    found:
      "an inbox that was full of what had been read before a snapshot was not relieved, for nothing was read from it any more",
  },
  {
    seed: 266,
    mix: "brim",
    workload: "diamond",
    found: "an instance whose input had ended made no room for what a sender that had begun again said again",
  },
  {
    seed: 15,
    mix: "rivals",
    workload: "windows",
    found: "a chunk of a snapshot that a successor had swept was called corrupt by the one that had just stored it",
  },
  {
    seed: 114,
    mix: "rivals",
    workload: "windows",
    found: "a claim that a newer one had overtaken said that the job log had lost records, and the job stopped",
  },
  {
    seed: 360,
    mix: "brim",
    workload: "idling",
    found: "a job that was stopped while an inbox was full never had stopped: whoever reads it had been released first",
  },
  {
    seed: 26,
    mix: "crowds",
    workload: "failing",
    found: "what one turn had said was one frame, larger than a small inbox ever had room for",
  },
  {
    seed: 55,
    mix: "crowds",
    workload: "failing",
    found: "a host whose clock was an hour ahead gave its inbox ticks without a pause, and nothing else found room",
  },
  {
    seed: 4_000_160,
    mix: "swarm",
    workload: "idling",
    found: "an instance that was being released, and read nothing any more, said that it was idle",
  },
  {
    seed: 3049,
    mix: "crowds",
    workload: "failing",
    found: "an inbox full of small messages was taken for one that has room, by their payloads, and never relieved",
  },
  {
    seed: 2_077_901_178,
    mix: "swarm",
    workload: "lateness",
    found: "an instance stayed frozen by a savepoint whose request and end its worker had read at once",
  },
  {
    seed: 4,
    mix: "restores",
    workload: "meeting",
    found: "a replay of a generation that had begun from a savepoint began empty",
  },
  {
    seed: 20,
    mix: "upgrades",
    workload: "looping",
    found: "an instance that caught up while it was frozen was called replaying for ever, and its loop never ended",
  },
  {
    seed: 4_017_013,
    mix: "rivals",
    workload: "windows",
    found:
      "the oracle of chunks blamed an owner for one that it had swept, and that a process without a pointer stored again behind it",
  },
  {
    seed: 5_017_474,
    mix: "swarm",
    workload: "mapping",
    found:
      "a leader that read its successor, new assignments and a stop at once went on, and its event time claimed to rest on assignments that it had not looked at",
  },
  {
    seed: 8_602_467,
    mix: "upgrades",
    workload: "diamond",
    found:
      "a generation that was stopped while it was held, and restarted, went on, and its successor took its place all the same",
  },
  {
    seed: 8_504_506,
    mix: "upgrades",
    workload: "looping",
    found:
      "a savepoint that a stop had cancelled was swept while its register was being written: complete, and without its chunks",
  },
  {
    seed: 8_402_889,
    mix: "upgrades",
    workload: "looping",
    found:
      "a generation that had been replaced went on for a moment before it let go, and its sink had rows that the next one said again",
  },
];
