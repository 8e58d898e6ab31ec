/**
 * What a savepoint does to one incarnation: it freezes, its state is copied, and it goes on when the savepoint is over.
 *
 * Owns whether a turn may begin because of it, and what the report says of it. How a snapshot is taken, and when turns are taken, is the instance's business.
 *
 * R17. A source stops where it is as soon as the job log says so, a push source when it has read what was pushed before; any other instance where the drains
 * of all its edges have been read. Frozen, it takes no turn and wants no tick, until the savepoint is over.
 * FZ1. It says that it is frozen when all that it has said is acknowledged; then alone its drains may travel.
 * FZ2. The copy is of a snapshot that the pointer names: whoever succeeds it begins where it is frozen.
 * FZ3. A copy that fails ends the savepoint, never the incarnation.
 */
import { StreamError } from "../errors.ts";
import { savepointPrefix } from "../log/names.ts";
import { freezesAt } from "../protocol/savepoint.ts";
import type { SavepointView } from "../protocol/savepoint-life.ts";
import type { Freeze } from "../record/messages.ts";
import type { ChunkRef, Manifest } from "../record/snapshot-record.ts";
import type { Incarnation } from "./assembly.ts";
import { failureText } from "./failure-text.ts";
import type { InstanceHost } from "./host.ts";
import { copySnapshot } from "./savepoint-copy.ts";
import type { ChunkOwner } from "./snapshot-store.ts";

/** What a freezer asks of the instance. */
export interface FreezeOwner {
  readonly host: Pick<InstanceHost, "savepoints" | "names" | "blobs" | "openSavepoints">;
  /** Whose chunks they are. */
  readonly chunks: ChunkOwner;
  readonly isSource: boolean;
  /** Position that must have been read before it may freeze: what the instance has said to itself. */
  mustReadTo(): number;
  /** The report has changed, or there may be turns to take. */
  changed(): void;
  /** Makes the pointer name a snapshot of what is frozen; undefined when `isOver` before that. */
  snapshot(isOver: () => boolean): Promise<Manifest | undefined>;
  /** The producer could not be paused. */
  failed(error: unknown): void;
}

/** One freeze, from the moment at which it takes no turn. */
interface Frozen {
  readonly id: number;
  /** What is reported, from FZ1 on. */
  said: Freeze | undefined;
}

/** Freezes one incarnation. */
export class Freezer {
  readonly #owner: FreezeOwner;
  #frozen: Frozen | undefined;
  /** Where the ingress log of a push source ends for the savepoint. */
  #pause: { readonly id: number; last: number | undefined } | undefined;

  constructor(owner: FreezeOwner) {
    this.#owner = owner;
  }

  /** What is to be reported. */
  get freeze(): Freeze | undefined {
    return this.#frozen?.said;
  }

  /** Whether it is frozen: nothing is due before it goes on. */
  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  /** The incarnation has ended: what is being copied is not wanted any more. */
  close(): void {
    this.#frozen = undefined;
  }

  /** Whether no turn may begin at this moment. */
  holds(incarnation: Incarnation | undefined): boolean {
    return incarnation !== undefined && this.#comesTo(incarnation) > 0;
  }

  /** Called after turns, and when the job log has been read further. `isAcknowledged`: all that was said. */
  look(incarnation: Incarnation, isAcknowledged: boolean): void {
    if (this.#owner.isSource) this.#mindProducer(incarnation);
    const id = this.#comesTo(incarnation);
    if (this.#frozen !== undefined && this.#frozen.id !== id) {
      this.#frozen = undefined;
      this.#owner.changed();
    }
    if (id === 0) return;
    this.#frozen ??= { id, said: undefined };
    if (isAcknowledged && this.#frozen.said === undefined) this.#say(this.#frozen);
  }

  /** The savepoint at which it stands; 0: none. */
  #comesTo({ feed, producer }: Incarnation): number {
    const view = this.#owner.host.savepoints;
    if (!this.#owner.isSource) {
      const { drained } = feed;
      return freezesAt(view, drained) && feed.position >= this.#owner.mustReadTo() ? drained : 0;
    }
    const id = view.savepoints.standing;
    if (producer === undefined) return id;
    const isAtEnd = this.#pause?.id === id && this.#pause.last !== undefined && feed.position >= this.#pause.last;
    return isAtEnd ? id : 0;
  }

  /** A push source says nothing from the request on, until the savepoint is over. */
  #mindProducer({ producer }: Incarnation): void {
    const { standing } = this.#owner.host.savepoints.savepoints;
    if (producer === undefined || (this.#pause?.id ?? 0) === standing) return;
    if (standing === 0) {
      this.#pause = undefined;
      return producer.start();
    }
    const pause: { readonly id: number; last: number | undefined } = { id: standing, last: undefined };
    this.#pause = pause;
    producer.pause().then(
      (last) => {
        pause.last = last;
        this.#owner.changed();
      },
      (error: unknown) => this.#owner.failed(error),
    );
  }

  /** FZ1. The job log may not have been read as far as the request: then there is no place for a copy yet. */
  #say(frozen: Frozen): void {
    const open = this.#owner.host.savepoints.savepoints.open;
    if (open?.id !== frozen.id) return;
    frozen.said = { savepoint: frozen.id, manifest: [], failure: "" };
    this.#owner.changed();
    void this.#copy(frozen, open);
  }

  async #copy(frozen: Frozen, { name, id }: SavepointView): Promise<void> {
    const prefix = savepointPrefix(name, this.#owner.host.names.generation, id);
    const isOver = () => this.#frozen !== frozen;
    try {
      const manifest = await this.#copyTo(prefix, isOver);
      frozen.said = { savepoint: id, manifest, failure: "" };
    } catch (error) {
      frozen.said = { savepoint: id, manifest: [], failure: failureText(error) };
    }
    if (!isOver()) this.#owner.changed();
  }

  async #copyTo(prefix: string, isOver: () => boolean): Promise<readonly ChunkRef[]> {
    const { host, chunks } = this.#owner;
    const manifest = await this.#owner.snapshot(isOver);
    if (manifest === undefined) throw new StreamError("FENCED", `savepoint ${prefix} is over`);
    const blobs = await host.openSavepoints(isOver);
    return copySnapshot(manifest, host.blobs(isOver), { blobs, prefix, owner: chunks, isWanted: () => !isOver() });
  }
}
