/**
 * The lifecycle of an instance, as an xstate machine (design, section 4).
 *
 * Owns which phase follows which; what happens in a phase is done by the instance that runs the machine. One event per change of phase, never per record.
 *
 * I1. Nothing is emitted before the claim is complete (R5): turns begin in `replaying`.
 * I3. `frozen` is left when the savepoint is over, or with an end (R17).
 * I2. `failed`, `fenced` and `released` are the ends; a successor is another incarnation with a higher epoch.
 */
import { assign, createActor, fromPromise, setup, type ActorRefFrom } from "xstate";
import { StreamError } from "../errors.ts";
import type { Clock } from "../platform/platform.ts";
import { machineClock } from "./machine-clock.ts";

/** What the phases do; given by the instance. */
export interface InstancePhases {
  /** R5 (1) to (3). */
  claim(): Promise<void>;
  /** R5 (4): snapshot, program, reader. */
  restore(): Promise<void>;
  /** Last snapshot before a release. */
  drain(): Promise<void>;
  /** Turns may begin. */
  begin(): void;
  /** One of the ends has been reached. */
  end(phase: InstanceEnd, error: unknown): void;
}

/** The phases of an instance. */
export type InstancePhase =
  | "claiming"
  | "restoring"
  /** It has its state, and waits until its generation takes the place of another one. */
  | "held"
  | "replaying"
  | "running"
  | "snapshotting"
  | "frozen"
  | "draining"
  | InstanceEnd;

/** The phases that nothing follows. */
export type InstanceEnd = "failed" | "fenced" | "released";

/** What moves an instance from phase to phase. */
export type InstanceEvent =
  | { readonly type: "CAUGHT_UP" }
  | { readonly type: "SNAPSHOT" }
  | { readonly type: "SNAPSHOT_DONE" }
  | { readonly type: "FREEZE" }
  | { readonly type: "THAW" }
  | { readonly type: "RELEASE" }
  | { readonly type: "FAIL"; readonly error: unknown };

interface InstanceContext {
  readonly phases: InstancePhases;
  readonly error: unknown;
  readonly hasCaughtUp: boolean;
}

/** The lifecycle machine; its input is what the phases do. */
const instanceMachine = setup({
  types: {
    context: {} as InstanceContext,
    events: {} as InstanceEvent,
    input: {} as InstancePhases,
  },
  actors: {
    claim: fromPromise(({ input }: { input: InstancePhases }) => input.claim()),
    restore: fromPromise(({ input }: { input: InstancePhases }) => input.restore()),
    drain: fromPromise(({ input }: { input: InstancePhases }) => input.drain()),
  },
  guards: {
    isFenced: ({ event }) => "error" in event && StreamError.is(event.error, "FENCED"),
    hasCaughtUp: ({ context }) => context.hasCaughtUp,
  },
  actions: {
    remember: assign({ error: ({ event }) => ("error" in event ? event.error : undefined) }),
    begin: ({ context }) => context.phases.begin(),
    endFailed: ({ context }) => context.phases.end("failed", context.error),
    endFenced: ({ context }) => context.phases.end("fenced", context.error),
    endReleased: ({ context }) => context.phases.end("released", undefined),
  },
}).createMachine({
  id: "instance",
  context: ({ input }) => ({ phases: input, error: undefined, hasCaughtUp: false }),
  initial: "claiming",
  on: {
    FAIL: [
      { guard: "isFenced", target: ".fenced", actions: "remember" },
      { target: ".failed", actions: "remember" },
    ],
    RELEASE: ".draining",
  },
  states: {
    claiming: {
      invoke: { src: "claim", input: ({ context }) => context.phases, onDone: "restoring", onError: ends() },
    },
    restoring: {
      invoke: {
        src: "restore",
        input: ({ context }) => context.phases,
        onDone: { target: "replaying", actions: "begin" },
        onError: ends(),
      },
    },
    replaying: {
      on: {
        CAUGHT_UP: { target: "running", actions: assign({ hasCaughtUp: true }) },
        SNAPSHOT: "snapshotting",
        FREEZE: "frozen",
      },
    },
    running: {
      on: { SNAPSHOT: "snapshotting", FREEZE: "frozen" },
    },
    // R17: no turn; snapshots go on. What it finds itself caught up with as it thaws, it has read before.
    frozen: {
      on: {
        CAUGHT_UP: { actions: assign({ hasCaughtUp: true }) },
        THAW: [{ guard: "hasCaughtUp", target: "running" }, { target: "replaying" }],
      },
    },
    snapshotting: {
      on: {
        CAUGHT_UP: { actions: assign({ hasCaughtUp: true }) },
        SNAPSHOT_DONE: [{ guard: "hasCaughtUp", target: "running" }, { target: "replaying" }],
      },
    },
    draining: {
      invoke: { src: "drain", input: ({ context }) => context.phases, onDone: "released", onError: ends() },
      on: { RELEASE: {} },
    },
    failed: { entry: "endFailed", type: "final" },
    fenced: { entry: "endFenced", type: "final" },
    released: { entry: "endReleased", type: "final" },
  },
});

/** The machine of one incarnation; nothing happens before it is started. */
export function instanceActor(input: InstancePhases, clock: Clock): ActorRefFrom<typeof instanceMachine> {
  return createActor(instanceMachine, { input, clock: machineClock(clock) });
}

function ends() {
  return [
    { guard: "isFenced" as const, target: "#instance.fenced", actions: "remember" as const },
    { target: "#instance.failed", actions: "remember" as const },
  ];
}
