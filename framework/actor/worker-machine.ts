/**
 * The lifecycle of a worker.
 *
 * Owns the phases only: it joins (reads the job log), works, leaves (lets go of what it hosts) and has left; or the job is over under it.
 */
import { setup } from "xstate";

/** The machine; `worker.ts` says what happens in its phases. */
export const workerMachine = setup({
  types: { events: {} as { type: "JOINED" } | { type: "LEAVE" } | { type: "LEFT" } | { type: "OVER" } },
}).createMachine({
  id: "worker",
  initial: "joining",
  on: { OVER: ".over" },
  states: {
    joining: { on: { JOINED: "working", LEAVE: "left" } },
    working: { on: { LEAVE: "leaving" } },
    leaving: { on: { LEFT: "left" } },
    left: { type: "final" },
    over: { type: "final" },
  },
});
