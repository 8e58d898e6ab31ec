/**
 * A job as the file sink sees it: incarnations that write, cut, move the pointer and commit, and crash anywhere in between.
 *
 * Row n is `{ n, pad }` with a pad of its own length, so that any row that is lost, doubled, torn or out of place shows.
 */
import { readFile } from "node:fs/promises";
import type { SinkIdentity, SinkSpec, SinkWriter } from "../../framework/log/sink.ts";
import { noCluster } from "./home.ts";
import { identityOf, rowsFor } from "./writing.ts";

interface Snapshot {
  /** Number of the last row that it covers. */
  readonly last: number;
  readonly listed: readonly Uint8Array[];
}

/** One incarnation of the instance in front of the sink; one that has been replaced is a zombie. */
export class Incarnation {
  readonly writer: SinkWriter;
  readonly #spec: SinkSpec;
  #written: number;
  #prepared: Uint8Array[] = [];
  #cut: Snapshot | undefined;

  constructor(spec: SinkSpec, writer: SinkWriter, written: number) {
    this.#spec = spec;
    this.writer = writer;
    this.#written = written;
  }

  /** Number of the last row written. */
  get written(): number {
    return this.#written;
  }

  async write(count: number): Promise<void> {
    const values = Array.from({ length: count }, (_, at) => valueOf(this.#written + 1 + at));
    await this.writer.write(rowsFor(this.#spec, values, this.#written + 1));
    this.#written += count;
  }

  /** Cuts a snapshot: what it says is stored when the pointer moves. */
  async prepare(): Promise<void> {
    const prepared = await this.writer.prepare?.();
    if (prepared !== undefined) this.#prepared.push(prepared);
    this.#cut = { last: this.#written, listed: [...this.#prepared] };
  }

  /** The snapshot to which the pointer may move now. */
  takeCut(): Snapshot | undefined {
    const cut = this.#cut;
    this.#cut = undefined;
    return cut;
  }

  async commit(listed: readonly Uint8Array[]): Promise<void> {
    for (const prepared of listed) {
      await this.writer.commit?.(prepared);
      this.#prepared = this.#prepared.filter((other) => other !== prepared);
    }
  }
}

/** The job: its pointer, and whoever writes. */
export class FileSinkJob {
  readonly #spec: SinkSpec;
  readonly #identity: Partial<SinkIdentity>;
  #pointer: Snapshot;
  #epoch = 0;
  /** Number of the last row of a snapshot that has been committed. */
  #committed = 0;
  #current: Incarnation | undefined;
  readonly zombies: Incarnation[] = [];

  constructor(spec: SinkSpec, identity: Partial<SinkIdentity> = {}, pointer: Snapshot = { last: 0, listed: [] }) {
    this.#spec = spec;
    this.#identity = identity;
    this.#pointer = pointer;
  }

  get current(): Incarnation {
    if (this.#current === undefined) throw new Error("nobody writes");
    return this.#current;
  }

  /** The least and the largest number of rows that a reader of the path may see now. */
  get visible(): readonly [number, number] {
    return [this.#committed, this.#pointer.last];
  }

  /** Another incarnation takes over; the one before stays as a zombie. */
  async claim(): Promise<void> {
    if (this.#current !== undefined) this.zombies.push(this.#current);
    this.#current = undefined;
    this.#epoch += 1 + (this.#epoch % 3);
    const writer = await this.#spec.open(identityOf({ ...this.#identity, epoch: this.#epoch }), noCluster);
    await writer.recover?.(this.#pointer.listed);
    this.#committed = this.#pointer.last;
    this.#current = new Incarnation(this.#spec, writer, this.#pointer.last);
  }

  movePointer(): void {
    this.#pointer = this.current.takeCut() ?? this.#pointer;
  }

  async commit(): Promise<void> {
    await this.current.commit(this.#pointer.listed);
    this.#committed = this.#pointer.last;
  }

  /** A zombie does, late, what it still can: everything but move the pointer. */
  async zombieCommits(zombie: Incarnation): Promise<void> {
    await zombie.commit(this.#pointer.listed);
    this.#committed = this.#pointer.last;
  }

  /** Writes, cuts and commits what there is. */
  async snapshot(rows: number): Promise<void> {
    await this.current.write(rows);
    await this.current.prepare();
    this.movePointer();
    await this.commit();
  }
}

/** The value of row `n`. */
export function valueOf(n: number): { readonly n: number; readonly pad: string } {
  return { n, pad: "x".repeat((n * 7_919) % 97) };
}

const lines: string[] = [];

/** The lines of rows 1 to `count`. */
export function linesTo(count: number): string {
  while (lines.length < count) lines.push(`${JSON.stringify(valueOf(lines.length + 1))}\n`);
  return lines.slice(0, count).join("");
}

/** How many rows a reader of `path` sees; throws when they are not the first ones, whole, in order, once. */
export async function rowsIn(path: string): Promise<number> {
  const content = await readFile(path, "utf8");
  const count = content.split("\n").length - 1;
  if (content !== linesTo(count))
    throw new Error(`${path} does not hold rows 1 to ${count}: ${content.slice(0, 2_000)}`);
  return count;
}

/** How many whole rows a reader of `path` sees while somebody writes: as {@link rowsIn}, but the last one may be cut off. */
export async function rowsSeenIn(path: string): Promise<number> {
  const content = await readFile(path, "utf8");
  const count = content.split("\n").length - 1;
  if (!linesTo(count + 1).startsWith(content))
    throw new Error(`${path} does not begin with rows 1 to ${count}: ${content.slice(0, 2_000)}`);
  return count;
}
