/**
 * The servers that the job lives on while they are hurt: one, or a cluster of three.
 *
 * Owns the processes and, where mounting is allowed, a small disk for each, which can be filled up. Without that, their directories are ordinary ones.
 */
import { execFileSync } from "node:child_process";
import { closeSync, cpSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsCluster, startNatsCluster } from "../../nats/cluster.ts";
import { type NatsServer, startNatsServer } from "../../nats/server.ts";
import { type LinkProxy, openLinkProxy } from "./link-proxy.ts";

/** Two generations of the job, each with all that it reserves, while one takes the place of the other. */
const diskMiB = 1_280;
const fillerName = "filler";
const pieceBytes = 1_048_576;

/** What is between two servers. */
interface Way {
  readonly ends: readonly number[];
  readonly link: LinkProxy;
}

/** The servers. Made by {@link startServers}. */
export class Servers {
  readonly all: readonly NatsServer[];
  readonly #ways: readonly Way[];
  readonly #directories: readonly string[];
  /** Whether the directories are disks of their own. */
  readonly hasDisks: boolean;

  constructor(all: readonly NatsServer[], ways: readonly Way[], directories: readonly string[], hasDisks: boolean) {
    this.all = all;
    this.#ways = ways;
    this.#directories = directories;
    this.hasDisks = hasDisks;
  }

  get urls(): readonly string[] {
    return this.all.map(({ url }) => url);
  }

  /** What connects server `index` with the others. */
  linksOf(index: number): readonly LinkProxy[] {
    return this.#ways.filter(({ ends }) => ends.includes(index)).map(({ link }) => link);
  }

  /** Uses up what is left on the disk of server `index`. */
  fillDisk(index: number): void {
    const file = openSync(join(this.#directories[index] ?? "", fillerName), "w");
    const piece = Buffer.alloc(pieceBytes, 1);
    try {
      for (;;) writeSync(file, piece);
    } catch {
      // It is full.
    } finally {
      closeSync(file);
    }
  }

  freeDisk(index: number): void {
    unlinkSync(join(this.#directories[index] ?? "", fillerName));
  }

  /** Leaves a copy of the directories below `folder`, as they are now. */
  keep(folder: string): void {
    for (const [index, directory] of this.#directories.entries())
      cpSync(directory, join(folder, this.all[index]?.name ?? ""), { recursive: true });
  }

  async stop(): Promise<void> {
    await new NatsCluster(this.all).stop();
    await Promise.all(this.#ways.map(({ link }) => link.close()));
    for (const directory of this.#directories) release(directory, this.hasDisks);
  }
}

/** Starts one server, or a cluster. */
export async function startServers(count: number): Promise<Servers> {
  const directories = Array.from({ length: count }, () => mkdtempSync(join(tmpdir(), "tidemark-chaos-")));
  const mounted = directories.filter((directory) => mount(directory));
  const hasDisks = mounted.length === count;
  if (!hasDisks) for (const directory of mounted) unmount(directory);
  const ways: Way[] = [];
  const between = async (one: number, other: number, port: number) => {
    const link = await openLinkProxy(port);
    ways.push({ ends: [one, other], link });
    return link.port;
  };
  try {
    const [directory] = directories;
    const all =
      count === 1
        ? [await startNatsServer({ directory })]
        : (await startNatsCluster({ size: count, directories, between })).servers;
    return new Servers(all, ways, directories, hasDisks);
  } catch (error) {
    for (const directory of directories) release(directory, hasDisks);
    throw error;
  }
}

function mount(directory: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskMiB}m`, "tidemark-chaos", directory], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function unmount(directory: string): void {
  try {
    execFileSync("umount", ["-l", directory], { stdio: "ignore" });
  } catch {
    // It stays until the machine is started again; what it holds is small.
  }
}

function release(directory: string, isMounted: boolean): void {
  if (isMounted) unmount(directory);
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
