/**
 * Several calls at a time, but not all at once.
 */

/** Does `work` on every item, on at most `max` at a time; answers in the order of the items. After a failure nothing more is begun, and it is the answer. */
export async function inParallel<T, R>(items: readonly T[], max: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const next = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(max, items.length) }, next));
  return results;
}
