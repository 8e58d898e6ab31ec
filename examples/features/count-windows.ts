/**
 * Windows by number: every so many records of a key, the last so many, and a window without an end that a trigger empties.
 *
 * node examples/features/count-windows.ts
 */
import { collect, countWindow, everyCount, fromArray, globalWindow, job, print, run, sum } from "tidemark";

const prices = [10, 11, 15, 14, 13, 20, 21].map((cents, index) => ({ share: "abc", cents, at: index }));

const ticker = job("count-windows");
const byShare = ticker.source("prices", fromArray(prices)).keyBy((price) => price.share);

byShare
  .window(countWindow(3, { partialAtEnd: true }))
  .aggregate(collect((price) => price.cents))
  .to(print("every three, and what is left at the end"));
byShare
  .window(countWindow(3, 2))
  .aggregate(sum((price) => price.cents))
  .to(print("the last three, every two"));
byShare
  .window(globalWindow())
  .trigger(everyCount(4).purging())
  .aggregate(sum((price) => price.cents))
  .to(print("until a trigger empties it"));

export default ticker;
if (import.meta.main) await run(ticker);
