/** Every workload that a seed may draw. */
import type { Workload } from "../contract.ts";
import { asking } from "./asking.ts";
import { counting } from "./counting.ts";
import { cycling } from "./cycling.ts";
import { diamond } from "./diamond.ts";
import { failing } from "./failing.ts";
import { flooding } from "./flooding.ts";
import { idling } from "./idling.ts";
import { joining } from "./joining.ts";
import { lateness } from "./lateness.ts";
import { looping } from "./looping.ts";
import { mapping } from "./mapping.ts";
import { meeting } from "./meeting.ts";
import { timing } from "./timing.ts";
import { windows } from "./windows.ts";

/** What a mix draws from that names none, in this order: a new one goes to the end, and makes every seed of these mixes another one. */
export const commonWorkloads: readonly Workload[] = [
  counting,
  windows,
  mapping,
  timing,
  diamond,
  lateness,
  asking,
  idling,
];

/** The common ones, and those that have mixes of their own. */
export const allWorkloads: readonly Workload[] = [
  ...commonWorkloads,
  failing,
  cycling,
  flooding,
  meeting,
  joining,
  looping,
];
