/**
 * The system's own monotonic time, for watch-dogs of connections.
 *
 * Taken when the module is loaded, before the guard of turns replaces the global: readers are asked for entries within turns, and silence is measured in real time.
 */

/** Time in ms from an arbitrary start that never goes back, also while a turn is running. */
export const systemMonotonicMs: () => number = performance.now.bind(performance);
