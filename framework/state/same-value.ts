/**
 * Whether two values of the default codec are the same to user code, and to the bytes of a snapshot.
 *
 * E1. Equal values have equal bytes: the order of an object's properties counts, -0 is not 0, NaN is NaN.
 * E2. When in doubt (values that no codec takes) the answer is no.
 */

/** Compares by content. */
export function isSameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  const prototype: unknown = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (Array.isArray(a)) return Array.isArray(b) && isSameArray(a, b);
  if (a instanceof Date) return b instanceof Date && Object.is(a.getTime(), b.getTime());
  if (a instanceof Uint8Array) return b instanceof Uint8Array && isSameBytes(a, b);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return isSameObject(a as Record<string, unknown>, b as Record<string, unknown>);
}

function isSameArray(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) {
    if (!isSameValue(a[at], b[at]) || at in a !== at in b) return false;
  }
  return true;
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function isSameObject(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(b);
  let count = 0;
  // What is inherited is counted too, and makes the answer no (E2).
  for (const name in a) {
    if (name !== names[count] || !isSameValue(a[name], b[name])) return false;
    count += 1;
  }
  return count === names.length;
}
