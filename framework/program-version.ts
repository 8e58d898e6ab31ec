/**
 * The version of a program that names none.
 */
import { readFileSync } from "node:fs";
import { sha256Hex } from "./platform/digest.ts";

const versionLength = 16;

/** The sha256 of the program's own file, in short; empty when there is none to read. */
export function versionOf(program: string | undefined): string {
  if (program === undefined) return "";
  try {
    return sha256Hex(readFileSync(program)).slice(0, versionLength);
  } catch {
    return "";
  }
}
