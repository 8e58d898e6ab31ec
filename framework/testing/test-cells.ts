/**
 * Threads that host instances, simulated: each is a process of its own that dies with its worker's, or alone.
 *
 * Owns the cells of one test.
 */
import { Cell } from "../actor/cell.ts";
import type { Instance } from "../actor/instance.ts";
import type { Probe } from "../actor/host.ts";
import { noMarks } from "../actor/host.ts";
import type { HostedCell, CellEars, CellOrder } from "../actor/cell-contract.ts";
import type { WorkerJob } from "../actor/worker-job.ts";
import { messageOf } from "../errors.ts";
import type { Seams } from "../log/contracts.ts";
import type { Platform } from "../platform/platform.ts";
import type { CrashSite } from "../record/poison.ts";
import { encodeSuspect } from "../record/wire/poison.ts";
import { ProcessScope } from "./process-scope.ts";

/** What a test gives to a cell. */
export interface TestCellWorld {
  readonly platform: Platform;
  join(scope: ProcessScope): Promise<WorkerJob>;
  /** Of the test, for what outlives a process. */
  readonly seams: Seams;
  /** `die` ends the thread alone. */
  probe(die: () => void): Probe;
}

interface Entry {
  readonly scope: ProcessScope;
  readonly parent: ProcessScope;
  cell: Cell | undefined;
  /** The step that it is in, and what its worker has been told of that. */
  site: CrashSite | undefined;
  told: CrashSite | undefined;
  /** Writes down what a worker has written down before it let the step be taken. */
  lastWord(site: CrashSite): Promise<void>;
}

/** The cells of a test. */
export class TestCells {
  readonly #entries: Entry[] = [];

  /** Instances in threads that live. */
  get instances(): readonly Instance[] {
    return this.#entries.flatMap(({ scope, parent, cell }) =>
      scope.isDead || parent.isDead ? [] : (cell?.instances ?? []),
    );
  }

  /** The process of a worker is gone, and all that lived in it; resolves when its last words can be read. */
  async killWith(parent: ProcessScope): Promise<void> {
    for (const entry of this.#entries.filter((each) => each.parent === parent && !each.scope.isDead)) {
      entry.scope.kill();
      if (entry.told !== undefined) await entry.lastWord(entry.told);
    }
  }

  /** Starts a cell in a thread of the process `parent`. */
  start(world: TestCellWorld, parent: ProcessScope, order: CellOrder, ears: CellEars): HostedCell {
    const scope = new ProcessScope();
    const lastWord = (site: CrashSite) => this.#write(world, order, site);
    const entry: Entry = { scope, parent, cell: undefined, site: undefined, told: undefined, lastWord };
    this.#entries.push(entry);
    const unlessGone = (action: () => void) => {
      if (!scope.isDead && !parent.isDead) action();
    };
    const die = () =>
      unlessGone(() => {
        scope.kill();
        ears.onGone("its thread has ended", entry.site);
      });
    const probe = world.probe(die);
    const rest = () => Object.assign(entry, { site: undefined, told: undefined });
    const events = {
      marks: noMarks,
      probe: {
        beforeTurn: (...turn: Parameters<NonNullable<Probe["beforeTurn"]>>) => {
          rest();
          // Of one that tells no steps, its board shows the message alone.
          if (!order.isOnProbation) entry.site = { sequence: turn[2] + 1, step: 0 };
          return probe.beforeTurn?.(...turn);
        },
        isHeld: (name: string) => probe.isHeld?.(name) === true,
      },
      hasManualWatermarks: true,
      onStep: (site: CrashSite, mustKnow: boolean) => {
        entry.site = site;
        // The worker is not asked: the thread cannot stand still here until it has answered.
        if (mustKnow) entry.told = site.sequence === order.site?.sequence ? site : { ...site, step: 0 };
      },
      onRest: () => void rest(),
      onEnded: () => unlessGone(() => ears.onEnded()),
      onFailed: (_which: unknown, reason: string) => unlessGone(() => ears.onGone(reason, undefined)),
      onBroken: (reason: string) => unlessGone(() => ears.onGone(reason, undefined)),
    };
    const begin = async () => {
      entry.cell = new Cell(scope.platform(world.platform), await world.join(scope), order.worker, events);
      entry.cell.host(order);
      await entry.cell.start();
    };
    begin().catch((error: unknown) => events.onBroken(messageOf(error)));
    return { release: () => entry.cell?.release(order), kill: () => (entry.cell?.kill(), scope.kill()) };
  }

  async #write(world: TestCellWorld, { instance, epoch, worker }: CellOrder, site: CrashSite): Promise<void> {
    const { plan, names } = await world.join(new ProcessScope());
    const registers = await world.seams.registers(plan.job);
    await registers.create(names.suspect(worker), encodeSuspect({ instance, epoch, site, isCertain: false }));
  }
}
