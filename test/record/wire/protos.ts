/**
 * The schemas in `protos/`, loaded for reflection.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import protobufjs from "protobufjs";
import type { Type } from "protobufjs";

const folder = join(import.meta.dirname, "../../../protos/tidemark");
const root = new protobufjs.Root();
for (const file of readdirSync(folder).toSorted()) protobufjs.parse(readFileSync(join(folder, file), "utf8"), root);
root.resolveAll();

/** A message of `protos/` by name. */
export function messageType(name: string): Type {
  return root.lookupType(`tidemark.${name}`);
}
