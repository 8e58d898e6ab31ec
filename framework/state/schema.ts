/**
 * Versions of what a state holds, and the way from each to the next.
 *
 * Owns the chain of migrations and what it is called on: state as an older version of the program has left it in a savepoint. Within a generation there is one
 * version alone (R12); which snapshots may be older is the restore's decision.
 *
 * V1. A migration is a pure function of what was stored: run again, by whomever, it answers the same.
 * V2. What it answers becomes state as a copy of its own; nothing outside can change it any more.
 * V3. What cannot be migrated ends the instance, with key and state named: no record is to blame.
 */
import { messageOf, StreamError } from "../errors.ts";
import { cloneValue } from "../record/default-codec.ts";
import { checkKnownOptions } from "../known-options.ts";
import type { CellCodec, SavedFrom } from "./cell-place.ts";
import { needsCopy } from "./value-state.ts";

/** How {@link schema} begins. */
export interface SchemaOptions {
  /** Version of what `V` describes: 1, or more when older ones are not supported any more. @default 1 */
  readonly version?: number | undefined;
  /**
   * When state of an older version is migrated, which a savepoint alone can hold.
   *
   * `atRestore`: all of it, before anything runs. A migration that throws is found then, and an upgrade is rolled back.
   *
   * `whenTouched`: that of a key when the key is next looked at, and of all the others when they are written to a snapshot, little by little. State that is large
   * is back sooner; a migration that throws fails the job in the midst of its work. Elements and entries with a ttl are migrated at once all the same.
   * @default "atRestore"
   */
  readonly migrates?: "atRestore" | "whenTouched" | undefined;
}

/** What a state holds, by version; made by {@link schema}. */
export interface Schema<V> {
  /** The newest version: what the program works with. */
  readonly version: number;
  /** The oldest version that there is a way from. */
  readonly first: number;
  /** When older state is migrated. */
  readonly migrates: "atRestore" | "whenTouched";
  /**
   * Adds a version, and how one value of the version before becomes one of it: the whole of value state, one element of a list, one value of a map, what reducing
   * state holds, the accumulator of aggregating state. Synchronous and pure; it may change and answer what it is handed.
   */
  migrate<N>(step: (old: V) => N): Schema<N>;
  /** A value of version `from` as one of the newest. @throws whatever a migration throws */
  migrated(from: number, value: unknown): unknown;
}

/**
 * Declares what a state holds, version by version: `V` is the first one.
 *
 * @example
 * const reading = schema<number>().migrate((celsius) => ({ celsius, unit: "C" }));
 * // state: { last: value({ schema: reading }) }
 *
 * @throws OPTION_INVALID when the version is none
 */
export function schema<V>(options: SchemaOptions = {}): Schema<V> {
  checkKnownOptions(options, ["version", "migrates"], "schema");
  const { version = 1, migrates = "atRestore" } = options;
  if (!Number.isSafeInteger(version) || version < 1)
    throw new StreamError("OPTION_INVALID", `schema: version is ${version}; versions are numbered from 1`);
  if (migrates !== "atRestore" && migrates !== "whenTouched")
    throw new StreamError(
      "OPTION_INVALID",
      `schema: migrates is ${JSON.stringify(migrates)}; it is "atRestore" or "whenTouched"`,
    );
  return new Versions(version, migrates, []);
}

type Step = (old: unknown) => unknown;

class Versions<V> implements Schema<V> {
  readonly first: number;
  readonly migrates: "atRestore" | "whenTouched";
  readonly #steps: readonly Step[];

  constructor(first: number, migrates: "atRestore" | "whenTouched", steps: readonly Step[]) {
    this.first = first;
    this.migrates = migrates;
    this.#steps = steps;
  }

  get version(): number {
    return this.first + this.#steps.length;
  }

  migrate<N>(step: (old: V) => N): Schema<N> {
    return new Versions<N>(this.first, this.migrates, [...this.#steps, step as Step]);
  }

  migrated(from: number, value: unknown): unknown {
    let migrated = value;
    for (const step of this.#steps.slice(from - this.first)) {
      migrated = step(migrated);
      if (migrated === undefined) throw new TypeError("it answered undefined");
    }
    // V2.
    return needsCopy(migrated) ? cloneValue(migrated) : migrated;
  }
}

/** Whether it was made by {@link schema}. */
export function isSchema(given: unknown): given is Schema<unknown> {
  return given instanceof Versions;
}

/** Why state of a version cannot become state of the program's; undefined when it can. */
export function obstacleTo(
  held: number,
  { first, version }: Pick<Schema<unknown>, "first" | "version">,
): string | undefined {
  if (held > version) return `holds version ${held}, and the program knows versions up to ${version}`;
  if (held < first) return `holds version ${held}, and the program has migrations from version ${first} on`;
  return undefined;
}

/** A cell as an older version left it. Migrated when it is first looked at, once. */
export class Unmigrated {
  readonly #migrate: () => unknown;
  #cell: unknown;
  #isMigrated = false;

  constructor(migrate: () => unknown) {
    this.#migrate = migrate;
  }

  /** The cell as the program knows it. @throws SNAPSHOT_UNSUITABLE (V3) */
  get cell(): unknown {
    if (!this.#isMigrated) this.#cell = this.#migrate();
    this.#isMigrated = true;
    return this.#cell;
  }
}

/** Cells of `codec` that a schema describes: those of older versions are migrated, at once or when they are looked at. */
export function versionedCodec(
  codec: CellCodec,
  schemaOf: Schema<unknown>,
  migrates: Schema<unknown>["migrates"] = schemaOf.migrates,
): CellCodec {
  const { version } = schemaOf;
  const migrated = (saved: unknown, from: SavedFrom): unknown =>
    codec.decode(codec.mapped(saved, (value) => stepped(schemaOf, value, from)));
  return {
    form: codec.form,
    version,
    oldest: schemaOf.first,
    mapped: (saved, change) => codec.mapped(saved, change),
    encode: (cell) => codec.encode(cell instanceof Unmigrated ? cell.cell : cell),
    decode(saved, from) {
      if (from === undefined || from.version === version) return codec.decode(saved);
      checkVersion(from, schemaOf);
      // What is no cell of the kind is found at once.
      if (codec.decode(saved) === undefined) return undefined;
      return migrates === "atRestore" ? migrated(saved, from) : new Unmigrated(() => migrated(saved, from));
    },
  };
}

/** Cells of `codec` without a schema: there is version 1 alone. */
export function unversionedCodec(codec: CellCodec): CellCodec {
  return {
    ...codec,
    decode(saved, from) {
      if (from !== undefined) checkVersion(from, { first: 1, version: 1 });
      return codec.decode(saved);
    },
  };
}

function checkVersion(from: SavedFrom, schemaOf: Pick<Schema<unknown>, "first" | "version">): void {
  const obstacle = obstacleTo(from.version, schemaOf);
  if (obstacle !== undefined) throw new StreamError("SNAPSHOT_UNSUITABLE", `${from.whose()} ${obstacle}`);
}

/** V3. */
function stepped(schemaOf: Schema<unknown>, value: unknown, from: SavedFrom): unknown {
  const { version } = from;
  try {
    return schemaOf.migrated(version, value);
  } catch (error) {
    const what = `${from.whose()} cannot be migrated from version ${version} to ${schemaOf.version}: ${messageOf(error)}`;
    throw new StreamError("SNAPSHOT_UNSUITABLE", what, { cause: error });
  }
}
