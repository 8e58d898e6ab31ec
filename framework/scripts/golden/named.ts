/**
 * Looks up what a golden case names.
 */

/** The entry of that name. @throws RangeError when there is none */
export function named<V>(all: Readonly<Record<string, V>>, name: string, what: string): V {
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  if (found === undefined) throw new RangeError(`there is no ${what} ${name}`);
  return found;
}
