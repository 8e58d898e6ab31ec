/** Every workload that a seed may draw. */
import type { Workload } from "../contract.ts";
import { counting } from "./counting.ts";
import { windows } from "./windows.ts";

/** In the order in which they are drawn from: a new one goes to the end. */
export const allWorkloads: readonly Workload[] = [counting, windows];
