/**
 * The ways in which a scene is hurt, and how each is put right.
 *
 * Owns the choice of the victim among those that fit, drawn by the schedule. A seat, and the servers together, have one fault at a time; faults of
 * different ones overlap. What a nemesis is, is in `nemesis.ts`; those that are commands of the job are in `commands.ts`.
 */
import { pause } from "../recovery/cluster.ts";
import { commands } from "./commands.ts";
import { keyedStage, type Nemesis, onSeat, pickOf, type Role, sourceStage } from "./nemesis.ts";
import type { PlannedFault, ScheduledKind } from "./schedule.ts";
import type { Scene } from "./scene.ts";

/** What the scene must have for a kind. */
type Need = "nothing" | "cluster" | "disks";

/** Longer than the silence that counts as death (2 s), three times. */
const stoppedMs = [6_500, 9_000] as const;

function kill(name: string, what: string, role: Role, weight: number, isReported: boolean): Nemesis {
  return onSeat(
    { name, what, weight, lastsMs: [200, 4_000] },
    role,
    (scene, seat) => scene.killWorker(seat, isReported),
    (scene, seat) => scene.seatWorker(seat),
    1,
  );
}

function stop(name: string, what: string, role: Role): Nemesis {
  return onSeat(
    { name, what, weight: 2, lastsMs: stoppedMs },
    role,
    (_scene, { worker }) => worker?.signal("SIGSTOP"),
    (_scene, { worker }) => worker?.signal("SIGCONT"),
  );
}

const crash: Nemesis = {
  name: "crash-actor",
  what: "one actor throws",
  weight: 3,
  lastsMs: [0, 0],
  strike(scene, { pick }) {
    const instances = scene.status?.instances.filter(({ state }) => state === "running") ?? [];
    const instance = pickOf(instances, pick);
    const seat = instance === undefined ? undefined : scene.seatOf(instance.worker);
    if (instance === undefined || seat?.worker === undefined || seat.isHurt) return Promise.resolve(undefined);
    seat.worker.tell({ kind: "crash", instance: instance.name });
    const partitions = instance.name.startsWith(sourceStage) ? "all" : [Number(instance.name.slice(keyedStage.length))];
    return Promise.resolve({ victim: instance.name, partitions, kills: 0, heal: () => Promise.resolve() });
  },
};

const links: readonly Nemesis[] = [
  onSeat(
    { name: "slow-link", what: "every piece takes 20 to 200 ms longer", weight: 2, lastsMs: [3_000, 10_000] },
    "any",
    (_scene, seat, degree) => {
      for (const link of seat.links) link.slow(20 + 180 * degree, 10);
    },
    (_scene, seat) => {
      for (const link of seat.links) link.clear();
    },
  ),
  onSeat(
    { name: "cut-link", what: "connections end and are refused", weight: 2, lastsMs: [300, 8_000] },
    "any",
    (_scene, seat) => {
      for (const link of seat.links) link.cut();
    },
    (_scene, seat) => {
      for (const link of seat.links) link.clear();
    },
  ),
  onSeat(
    {
      name: "half-open-link",
      what: "nothing arrives and nobody is told; then it arrives, or the connection is gone",
      weight: 2,
      lastsMs: [2_000, 9_000],
    },
    "any",
    (_scene, seat) => {
      for (const link of seat.links) link.mute();
    },
    (_scene, seat, degree) => {
      for (const link of seat.links) {
        if (degree < 0.5) link.drop();
        link.clear();
      }
    },
  ),
  onSeat(
    { name: "torn-link", what: "each connection ends in the midst of a message", weight: 2, lastsMs: [50, 50] },
    "any",
    (_scene, seat) => {
      for (const link of seat.links) link.tear();
    },
    () => undefined,
  ),
];

/** A fault of servers: one such fault at a time. */
function onServers(
  kind: ScheduledKind & { readonly what: string },
  choose: (scene: Scene, planned: PlannedFault) => Promise<number | undefined> | number | undefined,
  inflict: (scene: Scene, index: number, planned: PlannedFault) => Promise<number>,
  heal: (scene: Scene, index: number) => Promise<void>,
): Nemesis {
  return {
    ...kind,
    async strike(scene, planned) {
      if (scene.isServerHurt) return undefined;
      scene.isServerHurt = true;
      const index = await choose(scene, planned);
      if (index === undefined) {
        scene.isServerHurt = false;
        return undefined;
      }
      const kills = await inflict(scene, index, planned);
      return {
        victim: scene.servers.all[index]?.name ?? "",
        partitions: "all",
        kills,
        heal: async () => {
          await heal(scene, index);
          scene.isServerHurt = false;
        },
      };
    },
  };
}

function anyServer({ servers }: Scene, { pick }: PlannedFault): number | undefined {
  return pickOf([...servers.all.keys()], pick);
}

async function killServer({ servers }: Scene, index: number): Promise<number> {
  await servers.all[index]?.kill("SIGKILL");
  return 1;
}

async function restartServer({ servers }: Scene, index: number): Promise<void> {
  await servers.all[index]?.restart();
}

const killOne = onServers(
  { name: "kill-server", what: "SIGKILL of a nats-server, started again", weight: 2, lastsMs: [100, 4_000] },
  anyServer,
  killServer,
  restartServer,
);

const stopOne = onServers(
  { name: "stop-server", what: "SIGSTOP of a nats-server, continued", weight: 1, lastsMs: stoppedMs },
  anyServer,
  async ({ servers }, index) => {
    await servers.all[index]?.kill("SIGSTOP");
    return 0;
  },
  async ({ servers }, index) => {
    await servers.all[index]?.kill("SIGCONT");
  },
);

const killStreamLeader = onServers(
  { name: "kill-stream-leader", what: "SIGKILL of the server that leads an inbox", weight: 2, lastsMs: [500, 6_000] },
  (scene, { pick }) => {
    const inboxes = Array.from({ length: scene.life.partitions }, (_, at) => scene.names.inbox("windows", at));
    return scene.leaderOf(pickOf(inboxes, pick) ?? "");
  },
  killServer,
  restartServer,
);

const killAll = onServers(
  { name: "kill-all-servers", what: "SIGKILL of all nats-servers, started again", weight: 1, lastsMs: [100, 3_000] },
  () => 0,
  async ({ servers }) => {
    await Promise.all(servers.all.map((server) => server.kill("SIGKILL")));
    return servers.all.length;
  },
  async ({ servers }) => {
    await Promise.all(servers.all.map((server) => server.restart()));
  },
);

const roll = onServers(
  {
    name: "rolling-restart",
    what: "each nats-server in turn is ended by SIGTERM and started again",
    weight: 1,
    lastsMs: [0, 0],
  },
  () => 0,
  () => Promise.resolve(0),
  async ({ servers }) => {
    for (const server of servers.all) {
      await server.restart();
      await pause(settleMs);
    }
  },
);

const lameDuck = onServers(
  {
    name: "lame-duck",
    what: "a nats-server is told to go gently (SIGUSR2): it hands over what it leads, then its clients, and is started again",
    weight: 1,
    lastsMs: [11_000, 14_000],
  },
  anyServer,
  async ({ servers }, index) => {
    await servers.all[index]?.kill("SIGUSR2");
    return 0;
  },
  restartServer,
);

const partition = onServers(
  {
    name: "partition-servers",
    what: "a nats-server and the others hear nothing of each other, told or not; their clients hear them all",
    weight: 2,
    lastsMs: [2_000, 12_000],
  },
  anyServer,
  ({ servers }, index, { degree }) => {
    for (const link of servers.linksOf(index))
      if (degree < 0.5) link.mute();
      else link.cut();
    return Promise.resolve(0);
  },
  ({ servers }, index) => {
    for (const link of servers.linksOf(index)) {
      link.drop();
      link.clear();
    }
    return Promise.resolve();
  },
);

/** A server that has been started again takes part before the next one goes. */
const settleMs = 3_000;

const fullDisk = onServers(
  {
    name: "full-disk",
    what: "the disk of a nats-server is full, then there is room and it is started again",
    weight: 2,
    lastsMs: [1_000, 5_000],
  },
  anyServer,
  ({ servers }, index) => {
    servers.fillDisk(index);
    return Promise.resolve(0);
  },
  async (scene, index) => {
    scene.servers.freeDisk(index);
    await restartServer(scene, index);
  },
);

const all: readonly (readonly [Nemesis, Need])[] = [
  [kill("kill-worker", "SIGKILL of a worker; nobody says so", "any", 3, false), "nothing"],
  [kill("kill-worker-reported", "SIGKILL of a worker; its starter says so", "any", 3, true), "nothing"],
  [kill("kill-leader", "SIGKILL of the worker that leads; nobody says so", "leader", 2, false), "nothing"],
  [stop("stop-worker", "SIGSTOP of a worker beyond the detection of failures, continued", "any"), "nothing"],
  [stop("stop-leader", "SIGSTOP of the worker that leads, continued", "leader"), "nothing"],
  [crash, "nothing"],
  ...links.map((nemesis) => [nemesis, "nothing"] as const),
  [killOne, "nothing"],
  [stopOne, "nothing"],
  [killStreamLeader, "cluster"],
  [killAll, "cluster"],
  [roll, "cluster"],
  [lameDuck, "cluster"],
  [partition, "cluster"],
  ...commands.map((nemesis) => [nemesis, "nothing"] as const),
  [fullDisk, "disks"],
];

/** The kinds that are possible in a scene. */
export function nemesesFor(hasCluster: boolean, hasDisks: boolean): readonly Nemesis[] {
  const has = { nothing: true, cluster: hasCluster, disks: hasDisks };
  return all.filter(([, need]) => has[need]).map(([nemesis]) => nemesis);
}

/** The names of all kinds. */
export const nemesisNames: readonly string[] = all.map(([{ name }]) => name);
