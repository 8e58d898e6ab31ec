/**
 * Faults on purpose, at the borders of turns: for tests and demonstrations.
 *
 * Owns which of them have fired. A fault fires at the first border of turns at which its instance has read its position (or one behind it), before
 * anything further is read.
 *
 * J1. Each fires once in the life of a job: a register of the generation says that it has, whichever process it was. So a process that is started again
 * with the same flags, and the instance that takes its work over, do not die of the same fault.
 * J2. Nothing but the instance waits: a pause, and the writing of the register, hold its turns and nobody else's.
 */
import { patiently } from "./patience.ts";
import type { Registers } from "../log/contracts.ts";
import type { JobNames } from "../log/names.ts";
import type { Platform } from "../platform/platform.ts";
import type { Probe } from "./host.ts";
import type { Injection } from "./injection.ts";

const tokenLength = 12;

/** What an injector needs. */
export interface InjectorWorld {
  readonly platform: Platform;
  readonly registers: Registers;
  readonly names: JobNames;
  /** Ends the process at once, as SIGKILL does. */
  readonly killProcess: () => void;
}

/** Injects the faults of one worker. */
export class FaultInjector implements Probe {
  readonly #world: InjectorWorld;
  /** By instance, those that have not fired here. */
  readonly #waiting = new Map<string, Injection[]>();

  constructor(world: InjectorWorld, injections: readonly Injection[]) {
    this.#world = world;
    for (const injection of injections) {
      const instance = `${injection.stage}/${injection.partition}`;
      this.#waiting.set(instance, [...(this.#waiting.get(instance) ?? []), injection]);
    }
  }

  beforeTurn(stage: string, partition: number, position: number): Promise<void> | undefined {
    const waiting = this.#waiting.get(`${stage}/${partition}`);
    const at = waiting?.findIndex(({ sequence }) => position >= sequence) ?? -1;
    const injection = at < 0 ? undefined : waiting?.splice(at, 1)[0];
    return injection === undefined ? undefined : this.#fire(injection, position);
  }

  async #fire(injection: Injection, position: number): Promise<void> {
    const { platform, killProcess } = this.#world;
    if (!(await this.#isFirst(injection))) return;
    const { text, stage, partition, kind } = injection;
    platform.logger.log("warn", "a fault is injected", { fault: text, instance: `${stage}/${partition}`, position });
    if (kind === "crash") throw new Error(`injected: ${text}`);
    if (kind === "crash-process") return killProcess();
    await new Promise<void>((resolve) => platform.clock.schedule(injection.pauseMs, resolve));
  }

  /** Whether it has not fired in this generation before (J1); says in the register that it has. */
  async #isFirst({ kind, stage, partition, sequence }: Injection): Promise<boolean> {
    const { platform, registers, names } = this.#world;
    const key = `injected.${names.generation}.${kind}.${stage}.${partition}.${sequence}`;
    const token = Buffer.from(platform.random.id(tokenLength));
    return patiently(platform, key, async () => {
      if ((await registers.create(key, token)).kind === "written") return true;
      // The reply to an earlier attempt of our own may have been lost.
      return Buffer.from((await registers.get(key))?.value ?? []).equals(token);
    });
  }
}
