/**
 * The families of golden cases that there are, by name.
 */
import type { Family } from "./family.ts";
import { connect } from "./connect.ts";
import { joins } from "./joins.ts";
import { timers } from "./timers.ts";
import { windows } from "./windows.ts";

/** How the cases of each family become jobs. */
export const families: Readonly<Record<string, Family>> = { windows, joins, timers, connect };
