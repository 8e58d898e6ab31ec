/** Every workload that a seed may draw. */
import type { Workload } from "../contract.ts";
import { asking } from "./asking.ts";
import { counting } from "./counting.ts";
import { diamond } from "./diamond.ts";
import { idling } from "./idling.ts";
import { lateness } from "./lateness.ts";
import { mapping } from "./mapping.ts";
import { timing } from "./timing.ts";
import { windows } from "./windows.ts";

/** In the order in which they are drawn from: a new one goes to the end. */
export const allWorkloads: readonly Workload[] = [
  counting,
  windows,
  mapping,
  timing,
  diamond,
  lateness,
  asking,
  idling,
];
