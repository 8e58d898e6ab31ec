/**
 * What is still held after collections of the young generation alone.
 *
 * What one old dead object names survives them, and what that names in turn: chains of such objects (tables of a set that is used and emptied all the time,
 * links of a list that nobody has cut) make every young collection copy everything that has come and gone since the last full one.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options: { readonly type: "minor" | "major" }) => void;

const rounds = 40;
const perRound = 25;
const items = 2_000;

/** Something of some 16 KB. */
export function ballast(): object {
  return Array.from({ length: items }, (_, at) => at + 0.5);
}

/**
 * Bytes held after `once` was done a thousand times, each time with a new {@link ballast}, and the youngest were collected again and again; of the 16 MB that
 * were made. What `once` uses is old by then.
 */
export function heldAfter(once: (made: object) => void): number {
  once({});
  collect({ type: "major" });
  for (let at = 0; at < 4; at += 1) collect({ type: "minor" });
  const before = process.memoryUsage().heapUsed;
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < perRound; at += 1) once(ballast());
    collect({ type: "minor" });
  }
  collect({ type: "minor" });
  return process.memoryUsage().heapUsed - before;
}

/** More is held than what happens to be there. */
export const muchBytes: number = 4_000_000;
