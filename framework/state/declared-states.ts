/**
 * From declared state to handles: one factory for every place that state may lie in.
 *
 * Owns which handle and which form a kind of state has. Whoever calls it owns the places: keyed state, the state of a window, of an instance.
 */
import { StreamError } from "../errors.ts";
import { checkKnownOptions } from "../known-options.ts";
import { agedCellCodec, AgedPlace } from "./aged-cell.ts";
import type { Aging } from "./aging.ts";
import type { AgedCellCodec, CellCodec, CellPlace } from "./cell-place.ts";
import type { AnyDescriptor, States, StateOf } from "./descriptors.ts";
import { AggregatingCells, ReducingCells } from "./folded-state.ts";
import { agedListCellCodec, listCellCodec, ListCells } from "./list-state.ts";
import { agedMapCellCodec, mapCellCodec, MapCells } from "./map-state.ts";
import { resolveTtl, type ResolvedTtl } from "./ttl.ts";
import { valueCellCodec, ValueCells } from "./value-state.ts";

/** Makes the place of the state that is declared as `name`; its cells look as `codec` says. */
export type PlaceOf = (name: string, codec: CellCodec) => CellPlace;

/** Makes the place of state with a ttl, and its age. */
export type AgedPlaceOf = (name: string, codec: AgedCellCodec, ttl: ResolvedTtl) => AgedCellPlace;

/** A place whose cells have an age. */
export interface AgedCellPlace {
  readonly place: CellPlace;
  readonly aging: Aging;
}

/** How the cells of a kind of state look, without a ttl and with one. */
interface Form {
  readonly codec: CellCodec;
  readonly aged: AgedCellCodec;
  /** Whether it lives and dies as a whole; otherwise its handle knows the ages of what it holds. */
  readonly isWhole: boolean;
}

const whole: Form = { codec: valueCellCodec, aged: agedCellCodec(valueCellCodec), isWhole: true };
const forms: Readonly<Record<AnyDescriptor["kind"], Form>> = {
  value: whole,
  reducing: whole,
  aggregating: whole,
  map: { codec: mapCellCodec, aged: agedMapCellCodec, isWhole: false },
  list: { codec: listCellCodec, aged: agedListCellCodec, isWhole: false },
};
const optionsOf: Readonly<Record<AnyDescriptor["kind"], readonly string[]>> = {
  value: [],
  map: [],
  list: [],
  reducing: ["combine"],
  aggregating: ["fold"],
};

/**
 * The handles to declared state, by name, in the order of declaration. Called while the program is built. Without `agedPlaceOf` state with a ttl is refused.
 *
 * @throws OPTION_INVALID when a declaration is none, or its ttl makes no sense
 */
export function statesOf<S extends States>(declared: S, placeOf: PlaceOf, agedPlaceOf?: AgedPlaceOf): StateOf<S> {
  checkStates(declared, agedPlaceOf !== undefined);
  const handles = Object.entries(declared).map(([name, descriptor]) => {
    const { codec, aged, isWhole } = forms[descriptor.kind];
    const { ttl } = descriptor;
    if (ttl === undefined || agedPlaceOf === undefined)
      return [name, handleOf(descriptor, placeOf(name, codec))] as const;
    const { place, aging } = agedPlaceOf(name, aged, resolveTtl(ttl, `state ${name}`));
    return [
      name,
      isWhole ? handleOf(descriptor, new AgedPlace(place, aging)) : handleOf(descriptor, place, aging),
    ] as const;
  });
  return Object.fromEntries(handles) as StateOf<S>;
}

/** Refuses declarations that make no sense; called when the plan is made. `mayExpire`: they may have a ttl. @throws OPTION_INVALID naming the state */
export function checkStates(declared: States, mayExpire: boolean): void {
  for (const [name, descriptor] of Object.entries(declared)) {
    const { kind, ttl } = descriptor;
    if (!(kind in forms)) {
      const kinds = Object.keys(forms).join("(), ");
      throw new StreamError("OPTION_INVALID", `state ${name} is not declared with one of ${kinds}()`);
    }
    checkKnownOptions(descriptor, ["kind", "ttl", ...optionsOf[kind]], `state ${name}`);
    if (ttl === undefined) continue;
    resolveTtl(ttl, `state ${name}`);
    if (!mayExpire) throw new StreamError("OPTION_INVALID", `state ${name} has a ttl, which only keyed state can have`);
  }
}

/** Whether any of them has a ttl in event time: its operator needs timestamps. */
export function agesInEventTime(declared: States): boolean {
  return Object.entries(declared).some(
    ([name, { ttl }]) => ttl !== undefined && resolveTtl(ttl, `state ${name}`).time === "event",
  );
}

function handleOf(descriptor: AnyDescriptor, place: CellPlace, aging?: Aging): unknown {
  switch (descriptor.kind) {
    case "value":
      return new ValueCells(place);
    case "map":
      return new MapCells(place, aging);
    case "list":
      return new ListCells(place, aging);
    case "reducing":
      return new ReducingCells(new ValueCells(place), descriptor.combine);
    case "aggregating":
      return new AggregatingCells(new ValueCells(place), descriptor.fold);
  }
}
