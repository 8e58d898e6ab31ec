/**
 * What people do to a running job, at the worst moments: workers come, go and are drained, savepoints are taken, generations follow each other.
 *
 * Owns when such a command counts as carried out. Under fire it may be refused or run out of time: that is no fault of the job as long as nothing is lost.
 */
import { takeSavepoint } from "../../administration/savepoint-request.ts";
import { drainWorker, undrainWorker } from "../../administration/worker-drain.ts";
import { pause } from "../recovery/cluster.ts";
import { restore, upgrade } from "./generations.ts";
import { chooseSeat, type Nemesis, onSeat, partitionsOn, tried } from "./nemesis.ts";
import type { Scene, Seat } from "./scene.ts";

/** A drain goes on without whoever waits for it. */
const drainMs = 4_000;
const againMs = 500;
/** A savepoint that takes longer is cancelled, and the job goes on. */
const savepointMs = 15_000;

const leave: Nemesis = onSeat(
  { name: "leave-worker", what: "SIGTERM of a worker: it lets go of what it has", weight: 2, lastsMs: [200, 4_000] },
  "any",
  (scene, seat) => scene.dismissWorker(seat),
  (scene, seat) => scene.seatWorker(seat),
);

const join: Nemesis = {
  name: "join-worker",
  what: "one worker more, which takes its share and leaves again",
  weight: 2,
  lastsMs: [4_000, 12_000],
  async strike(scene) {
    const seat = scene.spareSeats.find(({ isHurt, worker }) => !isHurt && worker === undefined);
    if (seat === undefined) return undefined;
    seat.isHurt = true;
    await scene.seatWorker(seat);
    return {
      victim: `worker ${seat.index}`,
      partitions: [],
      kills: 0,
      heal: async () => {
        await scene.dismissWorker(seat);
        seat.isHurt = false;
      },
    };
  },
};

const drain: Nemesis = {
  name: "drain-worker",
  what: "a worker is drained by command, and let in again",
  weight: 2,
  lastsMs: [2_000, 8_000],
  strike(scene, { pick }) {
    const seat = chooseSeat(scene, "any", pick);
    const id = seat?.worker?.id;
    if (seat === undefined || id === undefined) return Promise.resolve(undefined);
    const partitions = partitionsOn(scene, seat);
    seat.isHurt = true;
    const draining = tried(() => drainWorker(scene.administrator, scene.job, id, { timeoutMs: drainMs }));
    return Promise.resolve({
      victim: `worker ${seat.index}`,
      partitions,
      kills: 0,
      heal: async () => {
        await draining;
        await letIn(scene, seat, id);
        seat.isHurt = false;
      },
    });
  },
};

/** Until it is let in, or is not there any more. */
async function letIn(scene: Scene, { worker }: Seat, id: string): Promise<void> {
  const isThere = (): boolean => worker?.isAlive === true && worker.id === id;
  while (isThere()) {
    if (await tried(() => undrainWorker(scene.administrator, scene.job, id))) return;
    await pause(againMs);
  }
}

let savepoints = 0;

const savepoint: Nemesis = {
  name: "savepoint",
  what: "a savepoint is taken and the job goes on",
  weight: 2,
  lastsMs: [0, 0],
  strike(scene) {
    savepoints += 1;
    const name = `under-fire-${savepoints}`;
    const taking = tried(() => takeSavepoint(scene.administrator, scene.job, { name, timeoutMs: savepointMs }));
    return Promise.resolve({
      victim: name,
      partitions: "all",
      kills: 0,
      heal: async () => void scene.savepoints.push({ name, isTaken: await taking }),
    });
  },
};

let changes = 0;

/** A change of the generation; one at a time. */
function changing(
  kind: { readonly name: string; readonly what: string; readonly weight: number },
  change: (scene: Scene, name: string) => Promise<boolean>,
): Nemesis {
  return {
    ...kind,
    lastsMs: [0, 0],
    strike(scene) {
      if (scene.isChanging) return Promise.resolve(undefined);
      scene.isChanging = true;
      changes += 1;
      const name = `${kind.name}-${changes}`;
      const made = change(scene, name);
      made.catch(() => undefined);
      return Promise.resolve({
        victim: `generation ${scene.life.generation}`,
        partitions: "all",
        kills: 0,
        heal: async () => {
          scene.changes.push({ kind: kind.name, isMade: await made });
          scene.isChanging = false;
        },
      });
    },
  };
}

const upgrading = changing(
  {
    name: "upgrade",
    what: "the next version of the program takes over, by command, with workers of its own",
    weight: 2,
  },
  upgrade,
);

/** Of the keyed stage: as many as it begins with, and more. */
const partitionsMore = 12;

const restoring = changing(
  {
    name: "restore",
    what: "the job is stopped by a savepoint, and begun again with another number of partitions",
    weight: 1,
  },
  (scene, name) => {
    const { partitions } = scene.shape;
    return restore(scene, name, scene.life.partitions === partitions ? partitionsMore : partitions);
  },
);

/** All of them. */
export const commands: readonly Nemesis[] = [leave, join, drain, savepoint, upgrading, restoring];
