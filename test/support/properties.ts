/**
 * For every test file: a property that has failed is made simpler for two minutes at most. No time limit of a test ends what does not await, and a run that never
 * ends says nothing.
 */
import fc from "fast-check";

fc.configureGlobal({ interruptAfterTimeLimit: 120_000, markInterruptAsFailure: true });
