/** The kinds of joins: which records are said that have no partner. */
import { StreamError } from "../errors.ts";

/** Which records are said without a partner: none, those of the left side, of the right one, or of both. */
export type JoinType = "inner" | "left" | "right" | "full";

const known: readonly JoinType[] = ["inner", "left", "right", "full"];

/** @throws OPTION_INVALID with the value, when `type` is none; `place` begins the message */
export function checkJoinType(type: JoinType, place: string): void {
  if (known.includes(type)) return;
  const list = known.map((each) => JSON.stringify(each)).join(", ");
  throw new StreamError("OPTION_INVALID", `${place}: type is ${JSON.stringify(type)}; it takes one of ${list}`);
}

/** Whether records of the left side are said that have no partner. */
export function saysLeft(type: JoinType): boolean {
  return type === "left" || type === "full";
}

/** Whether records of the right side are said that have no partner. */
export function saysRight(type: JoinType): boolean {
  return type === "right" || type === "full";
}
