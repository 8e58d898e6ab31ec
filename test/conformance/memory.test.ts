/**
 * The contracts, kept by memory: with tasks in the order in which they were scheduled, and in a drawn one.
 */
import { describeBlobs } from "./blobs.ts";
import { describeBus } from "./bus.ts";
import { describeHoldings } from "./holdings.ts";
import { describeLogs } from "./log.ts";
import { memoryPlace } from "./place.ts";
import { describeRegisters } from "./registers.ts";

for (const place of [memoryPlace(), memoryPlace(1)]) {
  describeLogs(place);
  describeRegisters(place);
  describeBlobs(place);
  describeBus(place);
  describeHoldings(place);
}
