/**
 * The state that the instances of a stage keep: known by making one, and throwing it away.
 *
 * Owns nothing. What operators keep besides what they declare is said by the operators themselves.
 */
import type { Outlet } from "../operator/outlet.ts";
import { StageProgram, type ProgramState } from "../operator/program.ts";
import type { Stage } from "../plan/plan.ts";

/** Takes all that a program says, and forgets it: for programs that only take state. */
export const nowhere: Outlet = {
  emit: () => undefined,
  write: () => undefined,
  deadLetter: () => undefined,
  mark: () => undefined,
  undo: () => undefined,
};

/** Every kind of state of a stage, in the order of its operators. */
export function statesOfStage(stage: Stage): readonly ProgramState[] {
  return new StageProgram(stage, nowhere, { onError: "drop", seed: 0 }).states;
}
