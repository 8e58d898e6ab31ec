/**
 * What people do to a running job, at the worst moments: workers come, go and are drained, savepoints are taken.
 *
 * Owns when such a command counts as carried out. Under fire it may be refused or run out of time: that is no fault of the job as long as nothing is lost.
 */
import { takeSavepoint } from "../../administration/savepoint-request.ts";
import { drainWorker, undrainWorker } from "../../administration/worker-drain.ts";
import { StreamError } from "../../errors.ts";
import { pause } from "../recovery/cluster.ts";
import { chooseSeat, type Nemesis, onSeat, partitionsOn } from "./nemesis.ts";
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

/** Whether it was carried out. */
async function tried(command: () => Promise<unknown>): Promise<boolean> {
  try {
    await command();
    return true;
  } catch (error) {
    if (StreamError.is(error)) return false;
    throw error;
  }
}

/** All of them. */
export const commands: readonly Nemesis[] = [leave, join, drain, savepoint];
