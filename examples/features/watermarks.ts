/**
 * Where event time comes from: bounded disorder, marks in the records themselves, a generator of one's own; and a fast source that waits for a slow one.
 *
 * node examples/features/watermarks.ts
 */
import { count, fromArray, job, print, punctuated, run, tumbling, watermarks } from "tidemark";

interface Beat {
  readonly at: number;
  readonly isLast?: boolean;
}

const beats: readonly Beat[] = [{ at: 1_000 }, { at: 500 }, { at: 4_000, isLast: true }, { at: 3_000 }, { at: 9_000 }];
const heart = job("watermarks");

function counted(label: string, source: ReturnType<typeof read>): void {
  source.windowAll(tumbling("5s")).aggregate(count()).to(print(label));
}

function read(name: string) {
  return heart.source(name, fromArray<Beat>(beats));
}

counted(
  "bounded",
  read("bounded").timestamps((beat) => beat.at, { outOfOrderness: "2s", maxDrift: "1m" }),
);
counted(
  "punctuated",
  read("punctuated").timestamps((beat) => beat.at, {
    watermarks: punctuated((beat: Beat) => (beat.isLast === true ? beat.at - 1_001 : undefined)),
  }),
);
counted(
  "own",
  read("own").timestamps((beat) => beat.at, {
    watermarks: watermarks({
      create: () => ({ latest: 0 }),
      onRecord: (state, _beat: Beat, timestamp) => ({ latest: Math.max(state.latest, timestamp) }),
      watermark: (state) => state.latest - 2_001,
    }),
  }),
);

export default heart;
if (import.meta.main) await run(heart);
