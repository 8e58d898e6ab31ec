/**
 * Which steps of event time somebody waits for.
 *
 * Owns what the instances of one stage have said that they wait for. Event time that comes to nothing anywhere may travel later and less often; when it
 * does is the supervisor's business. Nothing rests on it: a step that nobody seems to wait for is published all the same, a little later.
 *
 * R10. A watermark moves windows and timers, and the event time of stages behind; a step between two of those changes nothing that anybody sees.
 */

/** What the instances of a stage wait for. */
export class EventTimeDemand {
  readonly #dues = new Map<number, number>();

  /** Partition `partition` waits for `due` (Infinity: for nothing, -Infinity: for every step); answers whether that is new. */
  waits(partition: number, due: number): boolean {
    if (this.#dues.get(partition) === due) return false;
    this.#dues.set(partition, due);
    return true;
  }

  /** Whether a step of event time from `before` to `after` comes to something that an instance waits for. */
  isMet(before: number, after: number): boolean {
    for (const due of this.#dues.values()) if (due === -Infinity || (due > before && due <= after)) return true;
    return false;
  }
}
