/**
 * From declared state to handles: one factory for every place that state may lie in.
 *
 * Owns which handle and which form a kind of state has. Whoever calls it owns the places: keyed state, the state of a window, of an instance.
 */
import { StreamError } from "../errors.ts";
import type { CellCodec, CellPlace } from "./cell-place.ts";
import type { States, StateOf } from "./descriptors.ts";
import { mapCellCodec, MapCells } from "./map-state.ts";
import { valueCellCodec, ValueCells } from "./value-state.ts";

/** Makes the place of the state that is declared as `name`; its cells look as `codec` says. */
export type PlaceOf = (name: string, codec: CellCodec) => CellPlace;

/** The handles to declared state, by name, in the order of declaration. Called while the program is built. @throws OPTION_INVALID when a declaration is none */
export function statesOf<S extends States>(declared: S, placeOf: PlaceOf): StateOf<S> {
  const handles = Object.entries(declared).map(([name, { kind }]) => {
    if (kind === "value") return [name, new ValueCells(placeOf(name, valueCellCodec))] as const;
    if (kind === "map") return [name, new MapCells(placeOf(name, mapCellCodec))] as const;
    throw new StreamError("OPTION_INVALID", `state ${name} is not declared with value() or map()`);
  });
  return Object.fromEntries(handles) as StateOf<S>;
}
