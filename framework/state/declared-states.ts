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
import { MigratingPlace } from "./migrating-place.ts";
import { isSchema, unversionedCodec, versionedCodec } from "./schema.ts";
import { agedForm, resolveTtl, type ResolvedTtl } from "./ttl.ts";
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
    const { ttl } = descriptor;
    if (ttl === undefined || agedPlaceOf === undefined) {
      const place = placeOf(name, codecOf(descriptor));
      return [name, handleOf(descriptor, migrating(descriptor, place))] as const;
    }
    const { place, aging } = agedPlaceOf(name, agedCodecOf(descriptor), resolveTtl(ttl, `state ${name}`));
    const handle = forms[descriptor.kind].isWhole
      ? handleOf(descriptor, migrating(descriptor, new AgedPlace(place, aging)))
      : handleOf(descriptor, place, aging);
    return [name, handle] as const;
  });
  return Object.fromEntries(handles) as StateOf<S>;
}

/** What declared state is, for those who compare programs. */
export interface DeclaredState {
  readonly name: string;
  /** `value`, `map (ttl in event time)`. */
  readonly form: string;
  readonly version: number;
  /** The oldest version that there is a way from. */
  readonly oldest: number;
}

/** What a program declares; it has been checked. */
export function declaredStates(declared: States): readonly DeclaredState[] {
  return Object.entries(declared).map(([name, { kind, ttl, schema }]) => ({
    name,
    form: ttl === undefined ? kind : agedForm(kind, resolveTtl(ttl, `state ${name}`).time),
    version: schema?.version ?? 1,
    oldest: schema?.first ?? 1,
  }));
}

function codecOf({ kind, schema }: AnyDescriptor): CellCodec {
  const codec = { ...forms[kind].codec, form: kind };
  return schema === undefined ? unversionedCodec(codec) : versionedCodec(codec, schema);
}

/** The cells of a whole state are migrated within what ages; elements and entries together, at once. */
function agedCodecOf(descriptor: AnyDescriptor): AgedCellCodec {
  const { kind, schema } = descriptor;
  const { isWhole, aged } = forms[kind];
  if (isWhole) return agedCellCodec(codecOf(descriptor));
  const codec = { ...aged, form: kind };
  return { ...codec, ...(schema === undefined ? unversionedCodec(codec) : versionedCodec(codec, schema, "atRestore")) };
}

/** Cells may wait for their migration where a place looks at them before a handle does. */
function migrating({ schema }: AnyDescriptor, place: CellPlace): CellPlace {
  return schema?.migrates === "whenTouched" ? new MigratingPlace(place) : place;
}

/** Refuses declarations that make no sense; called when the plan is made. `mayExpire`: they may have a ttl. @throws OPTION_INVALID naming the state */
export function checkStates(declared: States, mayExpire: boolean): void {
  for (const [name, descriptor] of Object.entries(declared)) {
    const { kind, ttl } = descriptor;
    if (!(kind in forms)) {
      const kinds = Object.keys(forms).join("(), ");
      throw new StreamError("OPTION_INVALID", `state ${name} is not declared with one of ${kinds}()`);
    }
    checkKnownOptions(descriptor, ["kind", "ttl", "schema", ...optionsOf[kind]], `state ${name}`);
    if (descriptor.schema !== undefined && !isSchema(descriptor.schema))
      throw new StreamError("OPTION_INVALID", `state ${name}: its schema is not made by schema()`);
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
