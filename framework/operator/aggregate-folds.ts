/**
 * From an aggregate as users describe it to what computes it.
 *
 * Owns the telling apart: built-in ones of numbers, those that bring a fold, several at once, and the user's own.
 */
import { StreamError } from "../errors.ts";
import type { Aggregate, AggregateFields, AggregateSpec, NumericAggregate } from "./aggregates.ts";
import { FieldsFold } from "./fields-fold.ts";
import type { FoldingAggregate } from "./library-aggregates.ts";
import { aggregatesOf } from "./library-aggregates.ts";
import { NumericFold } from "./numeric-fold.ts";
import type { NumericSpec } from "./numeric-parts.ts";
import { CustomFold, type WindowFold } from "./window-fold.ts";

/** What an aggregate is computed by. */
export type KnownAggregate =
  | { readonly kind: "numeric"; readonly spec: NumericSpec }
  | { readonly kind: "own"; readonly aggregate: Aggregate<unknown, unknown, unknown> }
  | { readonly kind: "fold"; readonly makeFold: () => WindowFold };

/** What `aggregate` is. @throws OPTION_INVALID when it is none */
export function knownAs(aggregate: AggregateSpec): KnownAggregate {
  if (typeof aggregate === "function") return severalAs(aggregate(aggregatesOf));
  if (isFolding(aggregate)) return { kind: "fold", makeFold: () => aggregate.makeFold() };
  if ("kind" in aggregate) return { kind: "numeric", spec: aggregate as NumericAggregate<unknown> };
  if (
    typeof aggregate?.create === "function" &&
    typeof aggregate.add === "function" &&
    typeof aggregate.result === "function"
  )
    return { kind: "own", aggregate };
  throw new StreamError(
    "OPTION_INVALID",
    "an aggregate has create, add and result; or use one that is there: count(), average(…), maxBy(…)",
  );
}

/** The fold of `aggregate`. @throws OPTION_INVALID when it is none */
export function foldFor(aggregate: AggregateSpec): WindowFold {
  const known = knownAs(aggregate);
  switch (known.kind) {
    case "numeric":
      return new NumericFold(known.spec);
    case "own":
      return new CustomFold("aggregate", known.aggregate);
    case "fold":
      return known.makeFold();
  }
}

function severalAs(fields: AggregateFields<unknown>): KnownAggregate {
  const all = Object.entries(fields);
  // What is no aggregate at all is refused by name there.
  if (all.every(([, field]) => typeof field !== "object" || !("create" in field || isFolding(field))))
    return { kind: "numeric", spec: { fields: fields as never } };
  return { kind: "fold", makeFold: () => new FieldsFold(all.map(([name, field]) => [name, foldFor(field)] as const)) };
}

function isFolding(aggregate: object): aggregate is FoldingAggregate<unknown, unknown> {
  return "makeFold" in aggregate && typeof aggregate.makeFold === "function";
}
