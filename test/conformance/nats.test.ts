/**
 * The contracts, kept by a NATS server.
 */
import { describe } from "vitest";
import { natsForTests } from "../support/nats.ts";
import { describeBlobs } from "./blobs.ts";
import { describeBus } from "./bus.ts";
import { describeHoldings } from "./holdings.ts";
import { describeLogs } from "./log.ts";
import { natsPlace, type Place } from "./place.ts";
import { describeRegisters } from "./registers.ts";

const nats = await natsForTests();
const nowhere: Place = { name: "NATS", run: () => Promise.reject(new Error("no nats-server")) };
const place = nats === undefined ? nowhere : natsPlace(nats);

describe.skipIf(nats === undefined)("on NATS", () => {
  describeLogs(place);
  describeRegisters(place);
  describeBlobs(place);
  describeBus(place);
  describeHoldings(place);
});
