/**
 * Whether an incarnation may take its instance over, and what it writes to do so.
 *
 * Owns step (1) of a claim; fences, restore and replay follow in the instance.
 *
 * R4. An epoch is unique and grows with each assignment; only a greater one may claim.
 * R5. The pointer is claimed first: from then on no older incarnation can commit. The claim keeps the snapshots it finds.
 * R15. The claim writes the skips that have been decided, so that they are known before anything is replayed.
 */
import type { Skip } from "../record/poison.ts";
import type { Pointer } from "../record/snapshot-record.ts";
import { skipsBehind } from "./skip.ts";

/** What a claim has found. */
export interface ClaimFacts {
  /** As read just now; undefined before the first claim of all. */
  readonly pointer: Pointer | undefined;
  /** Epoch of the incarnation that claims. */
  readonly epoch: number;
  /** Identity of its input as it is now: creation time of the inbox, or of the split. */
  readonly identity: string;
  /** Drawn for this update. */
  readonly token: string;
  /** Every skip that the job log has decided for the instance. */
  readonly skips: readonly Skip[];
}

/**
 * What a claim does.
 *
 * `create` and `update`: write the value by compare-and-set. `fenced`: the pointer belongs to this epoch or a newer one; stop quietly. `replaced`:
 * the input is not the one the snapshots were taken of; stop and say so.
 */
export type ClaimDecision =
  | { readonly kind: "create"; readonly value: Pointer }
  | { readonly kind: "update"; readonly value: Pointer }
  | { readonly kind: "fenced"; readonly by: number }
  | { readonly kind: "replaced"; readonly expected: string; readonly found: string };

/**
 * Decides a claim. An equal epoch is fenced too: an own update whose reply was lost is recognised by its token before anyone comes here again, so
 * whoever finds its epoch in the pointer is its double. Fenced goes before replaced: only who may own the pointer may cry data loss (R8).
 */
export function decideClaim({ pointer, epoch, identity, token, skips: decided }: ClaimFacts): ClaimDecision {
  const skips = skipsBehind(pointer?.current?.sequence ?? 0, [...(pointer?.skips ?? []), ...decided]);
  if (pointer === undefined)
    return { kind: "create", value: { token, epoch, identity, current: undefined, previous: undefined, skips } };
  if (pointer.epoch >= epoch) return { kind: "fenced", by: pointer.epoch };
  if (pointer.identity !== identity) return { kind: "replaced", expected: pointer.identity, found: identity };
  return { kind: "update", value: { ...pointer, token, epoch, skips } };
}
