/**
 * Upgrading a running job: a savepoint that holds it, a generation of the new program that goes on from there, and one step from the one to the other.
 *
 * Owns the order. Nothing of the new program speaks to a sink, or reads a source, before the switch; until then the old generation can go on at once, and does,
 * for whatever reason the new one does not come up. Who notices what when this process dies in the middle is `actor/succession-watch.ts`.
 *
 * UP1. What can be known before is refused before anything stops; and the new workers are there, and wait, before the old generation is held.
 * UP2. The hold is given up by itself soon after this process is gone (`actor/hold-watch.ts`); by then no switch is made any more (U1).
 */
import { GenerationOrigin } from "./actor/origin.ts";
import { JobBus } from "./actor/job-bus.ts";
import { giveUpSwitch } from "./actor/job-register.ts";
import { checkOrigin } from "./actor/restore-check.ts";
import { statesOfStage } from "./actor/stage-states.ts";
import { patiently } from "./actor/patience.ts";
import {
  announceSuccessor,
  generationOf,
  giveOrigin,
  giveUpSuccessor,
  successionOf,
  switchTo,
  upgradeBy,
} from "./actor/succession.ts";
import { findJob, type Administrator, type OwnedHolding } from "./administration/administrator.ts";
import { discardGeneration } from "./administration/job-deletion.ts";
import { originNamed } from "./administration/savepoint-origin.ts";
import { takeSavepoint } from "./administration/savepoint-request.ts";
import { StreamError, messageOf } from "./errors.ts";
import type { StartedJob } from "./job-handle.ts";
import type { Registers } from "./log/contracts.ts";
import type { EndHome } from "./log/ends.ts";
import { JobNames } from "./log/names.ts";
import type { Plan } from "./plan/plan.ts";
import { planText, statesIn } from "./plan/plan-text.ts";
import { sha256Hex } from "./platform/digest.ts";
import { judgeRestore, savepointFormat, type Allowances } from "./protocol/restore.ts";
import type { JobLogRecord } from "./record/messages.ts";
import type { JobRecord } from "./record/snapshot-record.ts";
import { encodeJobLogRecord } from "./record/wire/job-log.ts";

/** How an upgrade is made. */
export interface UpgradeOptions {
  /** What of the program may be missing in the savepoint, and begins empty: `STAGE`, `STAGE/STATE`. @default nothing */
  readonly allowMissing?: Allowances["allowMissing"] | undefined;
  /** What of the savepoint the program need not know, and is dropped. @default nothing */
  readonly allowUnknown?: Allowances["allowUnknown"] | undefined;
  /** Name of the savepoint, which stays. @default `upgrade-` and the number of the new generation */
  readonly name?: string | undefined;
  /** After this long the old generation goes on. @default 60 s */
  readonly timeoutMs?: number | undefined;
}

/** What an upgrade has come to. */
export interface UpgradeResult {
  readonly job: string;
  /** The generations before and after. */
  readonly from: number;
  readonly generation: number;
  /** Name of the savepoint. */
  readonly savepoint: string;
  /** What became another on the way. */
  readonly changes: readonly string[];
  /** From the request of the savepoint until the new generation begins, ms. */
  readonly pauseMs: number;
}

/** What is upgraded, where, and by whom. */
export interface UpgradeWorld {
  readonly administrator: Administrator;
  readonly plan: Plan;
  readonly ends: EndHome;
  /** Starts the workers of a generation that waits for its savepoint; tells `onMade` as soon as there is something to stop. */
  start(generation: number, onMade: (started: StartedJob) => void): Promise<StartedJob>;
}

const timeoutMsDefault = 60_000;
/** Time for new workers to be there, ms; and of silence after which no more are expected. */
const workersMsMax = 30_000;
const workersQuietMs = 500;
/** Time that the switch, and the way back, have before the hold is given up, ms. */
const marginMs = 5_000;
const lookMs = 20;

/** Upgrades the job to the plan's program. @throws what it is refused with, or was rolled back for: then the old generation goes on */
export async function upgradeJob(
  world: UpgradeWorld,
  options: UpgradeOptions = {},
): Promise<{ readonly result: UpgradeResult; readonly started: StartedJob }> {
  const { administrator, plan } = world;
  const { record, registers, holdings } = await findJob(administrator, plan.job);
  const text = planText(plan);
  const program = { plan: text, planHash: sha256Hex(text), version: plan.version };
  checkUpgradable(plan, record, program);
  checkDeclared(plan, record.plan, text, options);
  await discardGivenUp(administrator, plan.job, registers, holdings);
  const successor = await announceSuccessor(registers, record.generation, program);
  return new Upgrade(world, options, registers, record, successor.generation).run();
}

/** What an upgrade has left behind whose process died in the middle. */
async function discardGivenUp(
  administrator: Administrator,
  job: string,
  registers: Registers,
  holdings: readonly OwnedHolding[],
): Promise<void> {
  const generations = new Set(holdings.flatMap(({ owner }) => owner.generation ?? []));
  const current = (await generationOf(registers)) ?? Infinity;
  for (const generation of generations)
    if (generation > current && (await successionOf(registers, generation)) === "givenUp")
      await discardGeneration(administrator, new JobNames(job, generation), registers);
}

function checkUpgradable({ job }: Plan, record: JobRecord, program: Pick<JobRecord, "planHash" | "version">): void {
  const what = `job ${job}, generation ${record.generation},`;
  if (record.state !== "running")
    throw new StreamError(
      "JOB_NOT_RUNNABLE",
      `${what} is ${record.state}, and only a running job is upgraded: restore it from a savepoint (tidemark restore), or begin anew with --new`,
    );
  if (record.planHash === program.planHash && record.version === program.version)
    throw new StreamError(
      "JOB_MISMATCH",
      `${what} runs this program already: there is nothing to upgrade; tidemark run starts a worker of it`,
    );
}

/** UP1: what both programs say of themselves; what is in the savepoint is compared when it is there. */
function checkDeclared({ job, stages }: Plan, before: string, after: string, options: UpgradeOptions): void {
  const { allowMissing = [], allowUnknown = [] } = options;
  const saved = statesIn(before).map((stage) => ({ ...stage, instances: [] }));
  const wanted = statesIn(after).map(({ name, partitions, isSource, states }) => {
    const stage = stages.find((each) => each.name === name);
    const known = stage === undefined ? [] : statesOfStage(stage);
    const oldest = (of: { readonly operator: string; readonly name: string }) =>
      known.find((each) => each.operator === of.operator && each.name === of.name)?.oldest ?? 1;
    const facts = states.map((state) => ({ ...state, oldest: oldest(state) }));
    return { name, partitions, splits: isSource ? [] : undefined, states: facts, forwardedFrom: [] };
  });
  const index = { format: savepointFormat, job, name: "", stages: saved };
  const { obstacles } = judgeRestore({ index, job, stages: wanted, runningSplits: {}, allowMissing, allowUnknown });
  // What is allowed besides may be what operators keep for themselves.
  const found = obstacles.filter((obstacle) => !obstacle.startsWith("--allow-"));
  if (found.length === 0) return;
  const list = found.length === 1 ? ` ${found[0]}` : found.map((each) => `\n  ${each}`).join("");
  throw new StreamError("SNAPSHOT_UNSUITABLE", `job ${job} cannot be upgraded to this program:${list}`);
}

/** One upgrade, from the number of its generation to its end. */
class Upgrade {
  readonly #world: UpgradeWorld;
  readonly #options: UpgradeOptions;
  readonly #registers: Registers;
  readonly #before: JobRecord;
  readonly #generation: number;
  #made: StartedJob | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** Id of the savepoint, once it holds the old generation. */
  #held: number | undefined;

  constructor(
    world: UpgradeWorld,
    options: UpgradeOptions,
    registers: Registers,
    before: JobRecord,
    generation: number,
  ) {
    this.#world = world;
    this.#options = options;
    this.#registers = registers;
    this.#before = before;
    this.#generation = generation;
  }

  async run(): Promise<{ readonly result: UpgradeResult; readonly started: StartedJob }> {
    const starting = this.#world.start(this.#generation, (made) => {
      this.#made = made;
      void made.done.then(({ state, message }) => this.#fail(new Error(`its workers have ${state}: ${message}`)));
    });
    starting.catch((error: unknown) => this.#fail(error));
    const { name = `upgrade-${this.#generation}` } = this.#options;
    const stopAnswering = this.#busOf(this.#before.generation).answerAsHolder(name);
    const result = await this.#replace(name)
      .catch(async (error: unknown) => {
        throw await this.#rollBack(error);
      })
      .finally(stopAnswering);
    // From here on the new generation is the job, whatever becomes of its first workers.
    return { result, started: await starting };
  }

  async #replace(name: string): Promise<UpgradeResult> {
    await this.#untilWaiting();
    const { administrator, plan, ends } = this.#world;
    const { clock } = administrator.platform;
    const { timeoutMs = timeoutMsDefault } = this.#options;
    const beganMs = clock.monotonicMs();
    const taken = await takeSavepoint(administrator, plan.job, { name, mode: "hold", timeoutMs });
    this.#held = taken.savepoint;
    const { allowMissing = [], allowUnknown = [] } = this.#options;
    const origin = await originNamed(this.#registers, plan.job, name, { allowMissing, allowUnknown });
    const read = new GenerationOrigin(origin, () => administrator.seams.savepoints(plan.job));
    const changes = await checkOrigin(plan, read, ends);
    await giveOrigin(this.#registers, this.#generation, origin);
    await this.#untilUp(beganMs + timeoutMs - marginMs);
    await this.#switch();
    const by = upgradeBy(this.#generation, administrator.by);
    // What cannot be said is found out by those whom it is about (`actor/succession-watch.ts`).
    await this.#tryToSay(this.#generation, { kind: "resume", savepoint: 0, by });
    const pauseMs = clock.monotonicMs() - beganMs;
    await this.#tryToSay(this.#before.generation, { kind: "command", command: "stop", by });
    const { generation: from } = this.#before;
    return { job: plan.job, from, generation: this.#generation, savepoint: name, changes, pauseMs };
  }

  /** U1. Whether it was made is known when this ends. @throws when it was not */
  async #switch(): Promise<void> {
    const { platform } = this.#world.administrator;
    const { generation } = this.#before;
    try {
      if (await switchTo(platform, this.#registers, this.#generation)) return;
      throw new StreamError("TIMEOUT", `the hold of generation ${generation} was given up`);
    } catch (error) {
      const current = (await this.#giveUp())
        ? generation
        : await patiently(platform, "the job's register", () => generationOf(this.#registers));
      if (current !== this.#generation) throw error;
    }
  }

  /** Whether no switch can come any more because this says so. */
  #giveUp(): Promise<boolean> {
    const { platform } = this.#world.administrator;
    const held = this.#held ?? 0;
    return patiently(platform, "the job's register", () =>
      giveUpSwitch(this.#registers, this.#before.generation, held),
    );
  }

  /** UP1: new workers say so while they wait; when no other one has come for a moment, they are there. */
  async #untilWaiting(): Promise<void> {
    const { seams, platform } = this.#world.administrator;
    const { clock } = platform;
    const waiting = new Set<string>();
    let newestMs = Infinity;
    const unsubscribe = seams.bus.subscribe(this.#names(this.#generation).waitingSubject, (payload) => {
      const worker = Buffer.from(payload).toString();
      if (!waiting.has(worker)) newestMs = clock.monotonicMs();
      waiting.add(worker);
    });
    try {
      await this.#until(
        () => clock.monotonicMs() - newestMs >= workersQuietMs,
        clock.monotonicMs() + workersMsMax,
        () => "no new worker was there",
      );
    } finally {
      unsubscribe();
    }
  }

  /** Every instance has its state, and waits for the switch. */
  async #untilUp(untilMs: number): Promise<void> {
    const { plan, ends } = this.#world;
    const bus = this.#busOf(this.#generation);
    const counts = await Promise.all(
      plan.stages.map(async ({ source, partitions }) => (await source?.reader.splits(ends))?.length ?? partitions),
    );
    const wanted = counts.reduce((sum, count) => sum + count, 0);
    let left = `${wanted} instances`;
    const isUp = async (): Promise<boolean> => {
      const status = await bus.status().catch(() => undefined);
      if (status === undefined) return false;
      const failed = status.instances.find(({ failure }) => failure !== "");
      if (status.state === "failed" || failed !== undefined)
        throw new Error(failed === undefined ? status.lastFailure : `${failed.name}: ${failed.failure}`);
      const missing = status.instances.filter(({ state }) => state !== "held");
      left = missing.map(({ name, state }) => `${name} (${state})`).join(", ") || left;
      return missing.length === 0 && status.instances.length >= wanted;
    };
    await this.#until(isUp, untilMs, () => `not up in time: ${left}`);
  }

  async #until(isTrue: () => boolean | Promise<boolean>, untilMs: number, late: () => string): Promise<void> {
    const { clock } = this.#world.administrator.platform;
    while (!(await isTrue())) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (clock.monotonicMs() >= untilMs) throw new StreamError("TIMEOUT", late());
      await new Promise<void>((resolve) => clock.schedule(lookMs, resolve));
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** The old generation goes on; nothing is left of the new one. Answers what to say. */
  async #rollBack(error: unknown): Promise<StreamError> {
    const { administrator, plan } = this.#world;
    const { generation } = this.#before;
    const reason = messageOf(error);
    // What cannot be written now, the leader does when it hears nothing of this process any more (UP2).
    if (this.#held !== undefined) await this.#tried("the hold could not be given up", () => this.#giveUp());
    const by = `upgrade given up (${administrator.by})`;
    if (this.#held !== undefined) await this.#tryToSay(generation, { kind: "resume", savepoint: this.#held, by });
    await this.#tried("the successor could not be given up", () =>
      giveUpSuccessor(this.#registers, this.#generation, reason),
    );
    await this.#made?.stop();
    await this.#tried("not everything of the new generation could be deleted", () =>
      discardGeneration(administrator, this.#names(this.#generation), this.#registers),
    );
    const code = StreamError.is(error) ? error.code : "JOB_MISMATCH";
    const what = `job ${plan.job} has not been upgraded, and generation ${generation} goes on: ${reason}`;
    return new StreamError(code, what, { cause: error });
  }

  async #tryToSay(generation: number, record: JobLogRecord): Promise<void> {
    await this.#tried(`generation ${generation} could not be told of the upgrade`, () => this.#say(generation, record));
  }

  async #tried(otherwise: string, action: () => Promise<unknown>): Promise<void> {
    const { logger } = this.#world.administrator.platform;
    await action().catch((error: unknown) => logger.log("warn", otherwise, { reason: messageOf(error) }));
  }

  async #say(generation: number, record: JobLogRecord): Promise<void> {
    const log = await this.#world.administrator.seams.logs.open(this.#names(generation).jobLog);
    await log.append(encodeJobLogRecord(record));
  }

  #busOf(generation: number): JobBus {
    return new JobBus(this.#world.administrator.seams.bus, this.#names(generation));
  }

  #names(generation: number): JobNames {
    return new JobNames(this.#world.plan.job, generation);
  }
}
