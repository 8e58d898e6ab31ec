/**
 * The key of a record that is given again after it has been a dead letter.
 */
import { messageOf, StreamError } from "../errors.ts";
import type { KeySelector } from "../operator/contract.ts";
import type { Edge, Stage } from "../plan/plan.ts";
import { checkKey, hashKey, partitionOf, renderKey, type Key } from "../record/key.ts";

/** Its key; or why it has none here: the function that threw may have changed the record before. */
export function keyAgain(
  { stage, partition }: { readonly stage: Stage; readonly partition: number },
  edge: Edge,
  select: KeySelector,
  record: unknown,
): Key | StreamError {
  try {
    const key = checkKey(select(record));
    const at = partitionOf(hashKey(key), stage.partitions);
    if (at === partition) return key;
    const what = `the key ${renderKey(key)} belongs to ${stage.name}/${at}, and the letter came from ${stage.name}/${partition}`;
    return new StreamError("KEY_INVALID", `${what}: the record was changed before it failed`);
  } catch (error) {
    return new StreamError("KEY_INVALID", `edge ${edge.name}: ${messageOf(error)}`);
  }
}
