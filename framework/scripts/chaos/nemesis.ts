/**
 * What a way to hurt a scene is, and how its victim is found.
 *
 * N1. What a fault says of whose keys it has hit is what was known when it came: the instances on the victim; all keys where a source, the leader or a
 *     server was hit, because without them nobody's event time goes on.
 */
import { StreamError } from "../../errors.ts";
import type { PlannedFault, ScheduledKind } from "./schedule.ts";
import type { Scene, Seat } from "./scene.ts";

/** A fault that has come. */
export interface Strike {
  readonly victim: string;
  /** Partitions of the keyed stage that were hit. */
  readonly partitions: readonly number[] | "all";
  /** Processes that were killed. */
  readonly kills: number;
  /** Puts right what was done, after it has lasted. */
  heal(): Promise<void>;
}

/** A kind of fault. */
export interface Nemesis extends ScheduledKind {
  readonly what: string;
  /** Undefined when there is nobody to hit at the moment. */
  strike(scene: Scene, planned: PlannedFault): Promise<Strike | undefined>;
}

/** Beginning of the names of the source's instances. */
export const sourceStage = "hits/";
/** The same of the keyed stage. */
export const keyedStage = "windows/";
/** One of those, by a number from 0 to 1. */
export function pickOf<T>(those: readonly T[], pick: number): T | undefined {
  return those[Math.floor(pick * those.length)];
}

/** N1. */
export function partitionsOn(scene: Scene, seat: Seat): readonly number[] | "all" {
  const names = scene.hostedOn(seat);
  if (scene.isLeader(seat) || names.some((name) => name.startsWith(sourceStage))) return "all";
  return names.map((name) => Number(name.slice(keyedStage.length)));
}

/** Who may be hit. */
export type Role = "any" | "leader";

/** A seat that may be hit. */
export function chooseSeat(scene: Scene, role: Role, pick: number): Seat | undefined {
  const fit = scene.seats.filter((seat) => !seat.isHurt && seat.worker?.id !== undefined);
  return pickOf(role === "leader" ? fit.filter((seat) => scene.isLeader(seat)) : fit, pick);
}

/** A fault of one worker or of its links. */
export function onSeat(
  kind: ScheduledKind & { readonly what: string },
  role: Role,
  inflict: (scene: Scene, seat: Seat, degree: number) => Promise<void> | void,
  heal: (scene: Scene, seat: Seat, degree: number) => Promise<void> | void,
  kills = 0,
): Nemesis {
  return {
    ...kind,
    async strike(scene, { pick, degree }) {
      const seat = chooseSeat(scene, role, pick);
      if (seat === undefined) return undefined;
      const partitions = partitionsOn(scene, seat);
      seat.isHurt = true;
      await inflict(scene, seat, degree);
      return {
        victim: `worker ${seat.index}`,
        partitions,
        kills,
        heal: async () => {
          await heal(scene, seat, degree);
          seat.isHurt = false;
        },
      };
    },
  };
}

/** Whether a command was carried out: under fire it may be refused, or come to no end; then `onRefused` is told why. */
export async function tried(
  command: () => Promise<unknown>,
  onRefused: (reason: string) => void = () => undefined,
): Promise<boolean> {
  try {
    await command();
    return true;
  } catch (error) {
    if (!StreamError.is(error)) throw error;
    onRefused(`${error.code}: ${error.message}`);
    return false;
  }
}
