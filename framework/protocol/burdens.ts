/**
 * What workers carry, while a placement is being decided.
 *
 * Owns weights, burdens and zones; which moves are made, and how many, is `placement.ts`'s business.
 */
import type { InstanceId } from "../record/messages.ts";
import { instanceKey } from "./job-log.ts";

/** A worker that may be given instances. */
interface Candidate {
  readonly worker: string;
  readonly capacity?: number | undefined;
  readonly zone?: string | undefined;
}

/** What is known of instances. */
interface InstanceFacts {
  /** Share of a core that its turns take; undefined while it has not been measured. */
  busyOf(id: InstanceId): number | undefined;
  /** Every key waits while it moves. */
  isSource(id: InstanceId): boolean;
  /** It is not to be put on the worker, while there is another place. */
  avoids(id: InstanceId, worker: string): boolean;
}

/** A worker that may be given instances, and what it carries. */
export interface Host {
  readonly worker: string;
  readonly capacity: number;
  readonly zone: string;
  /** Instances it has had before, and may lose again. */
  readonly settled: InstanceId[];
  /** Sum of the weights of all that it has. */
  weight: number;
  /** The part of it that has been measured, or is taken for that, and varies. */
  busy: number;
}

/** An instance that changes its host. */
export interface Move {
  readonly instance: InstanceId;
  readonly from: Host;
  readonly to: Host;
}

/** What an instance weighs by being there, as a share of a core: what is idle is spread by count. */
const idleWeight = 0.05;
/** Part of the mean load, and of what the giver carries, that a move must be worth: measured loads vary by less. */
const worthShare = 0.25;
/** Sums of shares are not exact. */
const epsilon = 1e-9;

/** Workers by what they carry. */
export class Burdens {
  readonly hosts: readonly Host[];
  readonly #weights: ReadonlyMap<string, number>;
  /** By stage and zone, what there is and what there may be (P5). */
  readonly #present = new Map<string, number>();
  readonly #shares = new Map<string, number>();
  /** A move must be worth so much of a burden at least. */
  readonly #worth: number;
  readonly #facts: InstanceFacts;

  constructor(workers: readonly Candidate[], instances: readonly InstanceId[], facts: InstanceFacts) {
    this.#facts = facts;
    const unique = new Map(workers.map((worker) => [worker.worker, worker]));
    this.hosts = [...unique.values()]
      .map(({ worker, capacity = 1, zone = "" }) => ({ worker, capacity, zone, settled: [], weight: 0, busy: 0 }))
      .toSorted((a, b) => (a.worker < b.worker ? -1 : 1));
    this.#weights = weightsOf(instances, facts);
    this.#shareZones(instances);
    const capacity = this.hosts.reduce((sum, host) => sum + host.capacity, 0);
    const load = [...this.#weights.values()].reduce((sum, weight) => sum + weight - idleWeight, 0);
    this.#worth = (worthShare * load + (idleWeight / 2) * this.hosts.length) / capacity;
  }

  hostCalled(worker: string | undefined): Host | undefined {
    return this.hosts.find((host) => host.worker === worker);
  }

  /** The instance is where it was. */
  settle(host: Host, instance: InstanceId): void {
    host.settled.push(instance);
    this.#count(host, instance, 1);
  }

  /** The host that the instance burdens least, in a zone that has room for it where there is one. */
  choose(instance: InstanceId): Host {
    const fit = orAll(this.hosts, ({ worker }) => !this.#facts.avoids(instance, worker));
    const roomy = orAll(fit, ({ zone }) => this.#hasRoom(instance.stage, zone));
    return leastOf(roomy, (each) => this.#burdenWith(each, instance));
  }

  /** Gives the instance to the host that is the best for it. */
  give(instance: InstanceId): Host {
    const host = this.choose(instance);
    this.add(host, instance);
    return host;
  }

  /** The host gets an instance that no host has. */
  add(host: Host, instance: InstanceId): void {
    this.#count(host, instance, 1);
  }

  move({ instance, from, to }: Move): void {
    from.settled.splice(from.settled.indexOf(instance), 1);
    this.#count(from, instance, -1);
    this.#count(to, instance, 1);
  }

  /** P5: a move out of a zone that has more of a stage than its share. */
  bestForZones(): Move | undefined {
    if (new Set(this.hosts.map(({ zone }) => zone)).size < 2) return undefined;
    for (const from of this.#heaviestFirst()) {
      const instance = from.settled.findLast(({ stage }) => this.#surplus(stage, from.zone) > 0);
      if (instance === undefined) continue;
      const isFit = ({ worker, zone }: Host) =>
        this.#hasRoom(instance.stage, zone) && !this.#facts.avoids(instance, worker);
      const roomy = this.hosts.filter(isFit);
      if (roomy.length > 0) return { instance, from, to: leastOf(roomy, (host) => this.#burdenWith(host, instance)) };
    }
    return undefined;
  }

  /** P3: the move from the most burdened host that can give something away which brings two burdens closest. P8: a source moves when nothing else can. */
  bestForBalance(): Move | undefined {
    return this.#bestOf(false) ?? this.#bestOf(true);
  }

  #bestOf(isSource: boolean): Move | undefined {
    const heaviest = this.#heaviestFirst();
    for (const from of heaviest) {
      for (const to of heaviest.toReversed()) {
        const move = this.#bestBetween(from, to, isSource);
        if (move !== undefined) return move;
      }
    }
    return undefined;
  }

  #bestBetween(from: Host, to: Host, isSource: boolean): Move | undefined {
    const limit = burdenOf(from) - Math.max(this.#worth, (worthShare * from.busy) / from.capacity) + epsilon;
    let best: InstanceId | undefined;
    let least = Infinity;
    for (const instance of from.settled) {
      if (this.#facts.isSource(instance) !== isSource) continue;
      const after = this.#burdenWith(to, instance);
      if (
        after > limit ||
        this.#facts.avoids(instance, to.worker) ||
        (from.zone !== to.zone && !this.#hasRoom(instance.stage, to.zone))
      )
        continue;
      const worse = Math.max(after, (from.weight - this.#weightOf(instance)) / from.capacity);
      if (worse > least + epsilon) continue;
      least = worse;
      best = instance;
    }
    return best === undefined ? undefined : { instance: best, from, to };
  }

  #heaviestFirst(): readonly Host[] {
    return this.hosts.toSorted((a, b) => burdenOf(b) - burdenOf(a));
  }

  #burdenWith(host: Host, instance: InstanceId): number {
    return (host.weight + this.#weightOf(instance)) / host.capacity;
  }

  #weightOf(instance: InstanceId): number {
    return this.#weights.get(instanceKey(instance)) ?? idleWeight;
  }

  #count(host: Host, instance: InstanceId, sign: 1 | -1): void {
    const weight = this.#weightOf(instance);
    host.weight += sign * weight;
    host.busy += sign * (weight - idleWeight);
    const key = `${instance.stage} ${host.zone}`;
    this.#present.set(key, (this.#present.get(key) ?? 0) + sign);
  }

  #hasRoom(stage: number, zone: string): boolean {
    return this.#surplus(stage, zone) < 0;
  }

  #surplus(stage: number, zone: string): number {
    const key = `${stage} ${zone}`;
    return (this.#present.get(key) ?? 0) - (this.#shares.get(key) ?? 0);
  }

  #shareZones(instances: readonly InstanceId[]): void {
    const total = this.hosts.reduce((sum, { capacity }) => sum + capacity, 0);
    const stages = Map.groupBy(instances, ({ stage }) => stage);
    for (const [zone, hosts] of Map.groupBy(this.hosts, (host) => host.zone)) {
      const part = hosts.reduce((sum, { capacity }) => sum + capacity, 0) / total;
      for (const [stage, all] of stages) this.#shares.set(`${stage} ${zone}`, Math.ceil(all.length * part - epsilon));
    }
  }
}

/** What has not been measured weighs like the others of its stage. */
function weightsOf(instances: readonly InstanceId[], facts: InstanceFacts): ReadonlyMap<string, number> {
  const measured = new Map(instances.map((instance) => [instanceKey(instance), facts.busyOf(instance)]));
  const weights = new Map<string, number>();
  for (const all of Map.groupBy(instances, ({ stage }) => stage).values()) {
    const known = all.map((instance) => measured.get(instanceKey(instance))).filter((busy) => busy !== undefined);
    const mean = known.length === 0 ? 0 : known.reduce((sum, busy) => sum + busy, 0) / known.length;
    for (const instance of all)
      weights.set(instanceKey(instance), idleWeight + (measured.get(instanceKey(instance)) ?? mean));
  }
  return weights;
}

function burdenOf({ weight, capacity }: Host): number {
  return weight / capacity;
}

/** Those for which it holds; all, when it holds for none. */
function orAll(hosts: readonly Host[], holds: (host: Host) => boolean): readonly Host[] {
  const found = hosts.filter(holds);
  return found.length === 0 ? hosts : found;
}

/** The first of several that are least. */
function leastOf(hosts: readonly Host[], cost: (host: Host) => number): Host {
  return hosts.reduce((least, host) => (cost(host) < cost(least) - epsilon ? host : least));
}
