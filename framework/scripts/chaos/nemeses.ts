/**
 * The ways in which a scene is hurt, and how each is put right.
 *
 * Owns the choice of the victim among those that fit, drawn by the schedule. A seat, and the servers together, have one fault at a time; faults of
 * different ones overlap.
 *
 * N1. What a fault says of whose keys it has hit is what was known when it came: the instances on the victim; all keys where a source, the leader or a
 *     server was hit, because without them nobody's event time goes on.
 */
import { pause } from "../recovery/cluster.ts";
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

/** What the scene must have for a kind. */
type Need = "nothing" | "cluster" | "disks";

const source = "hits/";
const keyed = "windows/";
/** Longer than the silence that counts as death (2 s), three times. */
const stoppedMs = [6_500, 9_000] as const;

function pickOf<T>(those: readonly T[], pick: number): T | undefined {
  return those[Math.floor(pick * those.length)];
}

/** N1. */
function partitionsOn(scene: Scene, seat: Seat): readonly number[] | "all" {
  const names = scene.hostedOn(seat);
  if (scene.isLeader(seat) || names.some((name) => name.startsWith(source))) return "all";
  return names.map((name) => Number(name.slice(keyed.length)));
}

type Role = "any" | "leader";

function chooseSeat(scene: Scene, role: Role, pick: number): Seat | undefined {
  const fit = scene.seats.filter((seat) => !seat.isHurt && seat.worker?.id !== undefined);
  return pickOf(role === "leader" ? fit.filter((seat) => scene.isLeader(seat)) : fit, pick);
}

/** A fault of one worker or of its links. */
function onSeat(
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
    const partitions = instance.name.startsWith(source) ? "all" : [Number(instance.name.slice(keyed.length))];
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
    const inboxes = Array.from({ length: scene.shape.partitions }, (_, at) => scene.names.inbox("windows", at));
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
  [fullDisk, "disks"],
];

/** The kinds that are possible in a scene. */
export function nemesesFor(hasCluster: boolean, hasDisks: boolean): readonly Nemesis[] {
  const has = { nothing: true, cluster: hasCluster, disks: hasDisks };
  return all.filter(([, need]) => has[need]).map(([nemesis]) => nemesis);
}

/** The names of all kinds. */
export const nemesisNames: readonly string[] = all.map(([{ name }]) => name);
