/**
 * How one generation of the job on fire follows another: upgraded to the next version of its program, or stopped by a savepoint and begun again.
 *
 * Owns the commands, and what has become of them when they could not say so themselves; the workers are the scene's.
 *
 * G1. Under fire a change may be refused, cancelled or rolled back: then the generation before goes on, which is as good for the job. A stop that comes to nothing is
 *     asked for again, as people would.
 */
import { highestGeneration } from "../../actor/succession.ts";
import { findJob } from "../../administration/administrator.ts";
import { deleteJob } from "../../administration/job-deletion.ts";
import { readJob } from "../../administration/job-reading.ts";
import { takeSavepoint } from "../../administration/savepoint-request.ts";
import { StreamError } from "../../errors.ts";
import { nats } from "../../home-nats.ts";
import type { StartedJob } from "../../job-handle.ts";
import { compile } from "../../plan/compile.ts";
import type { Plan } from "../../plan/plan.ts";
import { upgradeJob, type UpgradeWorld } from "../../upgrade.ts";
import { pause, wallMs } from "../recovery/cluster.ts";
import program from "../recovery/measured-job.ts";
import { tried } from "./nemesis.ts";
import type { Life, Scene } from "./scene.ts";

/** An upgrade or a savepoint that takes longer is given up, and the job goes on. */
const changeMs = 20_000;
/** G1. */
const stopsMax = 3;
/** The servers may be away for a while. */
const insistMs = 120_000;
const againMs = 500;
/** What was sent without an answer has arrived by then, or never will. */
const unansweredMs = 4_000;

/** Upgrades the job to the next version of its program; answers whether it came to that. */
export async function upgrade(scene: Scene, name: string): Promise<boolean> {
  const { generation: before } = scene.life;
  const wanted = { ...scene.life, version: scene.life.version + 1, from: undefined };
  let prepared: Life | undefined;
  const world = worldOf(scene, wanted, async (generation, started) => {
    prepared = { ...wanted, generation };
    await scene.seatSuccessors(prepared);
    return started;
  });
  await tried(
    () => upgradeJob(world, { name, timeoutMs: changeMs }),
    (reason) => scene.refusals.push(reason),
  );
  const current = await insisted(async () => (await findJob(scene.administrator, scene.job)).record.generation);
  if (prepared === undefined || current !== prepared.generation) {
    scene.forgetSuccessors();
    return false;
  }
  scene.succeed(prepared);
  await forget(scene, before);
  return true;
}

/** Stops the job by a savepoint, and begins it again from there with so many partitions; answers whether it came to that. */
export async function restore(scene: Scene, name: string, partitions: number): Promise<boolean> {
  const before = scene.life;
  const { promise: following, resolve: follow } = Promise.withResolvers<Life>();
  scene.closeUntil(following);
  const savepoint = await stoppedBy(scene, name);
  if (savepoint === undefined) {
    follow(before);
    return false;
  }
  const { registers, record } = await insisted(() => findJob(scene.administrator, scene.job));
  const generation = 1 + (await insisted(() => highestGeneration(registers, record.generation)));
  follow({ generation, version: before.version + 1, partitions, from: `${scene.job}/${savepoint}` });
  await insisted(async () => {
    const found = await findJob(scene.administrator, scene.job);
    if (found.record.generation !== generation) throw new StreamError("UNAVAILABLE", "it has not begun yet");
  });
  await forget(scene, before.generation);
  return true;
}

function worldOf(
  scene: Scene,
  life: Life,
  start: (generation: number, started: StartedJob) => Promise<StartedJob>,
): UpgradeWorld {
  const { administrator, servers } = scene;
  const order = scene.orderFor(servers.urls.join(","), life);
  const home = nats({ servers: order.servers, replicas: order.replicas });
  const plan = compile(program([JSON.stringify(order)]), { defaults: home.defaults, version: "" });
  const ends = { cluster: home.cluster, logger: administrator.platform.logger };
  return {
    administrator,
    plan,
    ends,
    start: (generation, onMade) => {
      const started = successorsIn(scene, plan);
      onMade(started);
      return start(generation, started);
    },
  };
}

/** The workers of the generation that is prepared, as far as an upgrade asks for them: those that end are replaced. */
function successorsIn(scene: Scene, plan: Plan): StartedJob {
  const nobody = () => Promise.reject(new StreamError("NO_RESPONDERS", "the workers are the scene's"));
  return {
    plan,
    done: new Promise(() => undefined),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(scene.forgetSuccessors()),
    status: nobody,
    savepoint: nobody,
    drain: nobody,
    expire: () => undefined,
    abandon: () => undefined,
  };
}

/** The name of the savepoint that has stopped the job: `name`, or the same with a number. */
async function stoppedBy(scene: Scene, name: string): Promise<string | undefined> {
  for (let stop = 1; stop <= stopsMax; stop += 1) {
    const savepoint = stop === 1 ? name : `${name}-${stop}`;
    if (await isStoppedBy(scene, savepoint)) return savepoint;
  }
  return undefined;
}

async function isStoppedBy(scene: Scene, name: string): Promise<boolean> {
  const { administrator, job } = scene;
  const taking = () => takeSavepoint(administrator, job, { name, mode: "stop", timeoutMs: changeMs });
  if (await tried(taking, (reason) => scene.refusals.push(reason))) return true;
  await pause(unansweredMs);
  for (;;) {
    const { state, open } = await insisted(() => lookAt(scene));
    if (state === "stopped") return true;
    if (open !== name) return false;
    await pause(againMs);
  }
}

async function lookAt({ administrator, names }: Scene) {
  const reading = await readJob(administrator, names);
  if (reading === undefined) throw new StreamError("UNAVAILABLE", `${names.jobLog} is not shown`);
  const { life, savepoints } = reading.view;
  reading.close();
  return { state: life.state, open: savepoints.open?.name };
}

/** What generations that are over keep is deleted: what cannot be is left for the next time. */
async function forget(scene: Scene, generation: number): Promise<void> {
  const { stale, administrator, job } = scene;
  stale.add(generation);
  await scene.retired();
  for (const each of stale)
    if (await tried(() => deleteJob(administrator, job, { generation: each, force: true }))) stale.delete(each);
}

/** Asks until it is answered. */
async function insisted<T>(ask: () => Promise<T>): Promise<T> {
  const lateMs = wallMs() + insistMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!StreamError.is(error) || wallMs() > lateMs) throw error;
    }
    await pause(againMs);
  }
}
