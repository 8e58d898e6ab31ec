/**
 * The contracts, kept by a cluster of three NATS servers with three copies of everything.
 */
import { describe } from "vitest";
import { clusterForTests } from "../support/nats.ts";
import { describeBlobs } from "./blobs.ts";
import { describeBus } from "./bus.ts";
import { describeHoldings } from "./holdings.ts";
import { describeLogs } from "./log.ts";
import { clusterPlace, type Place } from "./place.ts";
import { describeRegisters } from "./registers.ts";

const nats = await clusterForTests();
const nowhere: Place = { name: "three replicas", run: () => Promise.reject(new Error("no nats-server")) };
const place = nats === undefined ? nowhere : clusterPlace(nats);

describe.skipIf(nats === undefined)("on a cluster", () => {
  describeLogs(place);
  describeRegisters(place);
  describeBlobs(place);
  describeBus(place);
  describeHoldings(place);
});
