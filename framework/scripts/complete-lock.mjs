#!/usr/bin/env node
/**
 * Makes package-lock.json complete: every optional dependency that a package in it names has an entry.
 *
 * Tools with native parts publish one package per platform and name them all as optional dependencies. When the registry that
 * `npm install` talks to does not hold some of them, npm leaves those out of the lock file without a word, and `npm ci` then refuses
 * the file ("Missing: <package>@ from lock file"). This script adds what is missing, as `name`, `version`, `os`, `cpu`, `libc`. The
 * entries have no integrity, as nobody here has seen the package: npm skips them on every platform but their own, and there fetches
 * that version.
 *
 * L1. An entry that npm wrote is never changed; a second run changes nothing.
 * L2. Only exact versions are added. A range would be a guess, so the script fails and names it.
 *
 * Runs at the end of `npm run deps`; by hand: `node framework/scripts/complete-lock.mjs [package-lock.json]`. Plain JavaScript, so
 * that Node 20 runs it too.
 */
import { readFileSync, writeFileSync } from "node:fs";

/** Parts of package names that stand for an operating system, with npm's name for it. */
const systems = new Map([
  ["aix", "aix"],
  ["android", "android"],
  ["darwin", "darwin"],
  ["freebsd", "freebsd"],
  ["linux", "linux"],
  ["macos", "darwin"],
  ["netbsd", "netbsd"],
  ["openbsd", "openbsd"],
  ["openharmony", "openharmony"],
  ["sunos", "sunos"],
  ["win", "win32"],
  ["win32", "win32"],
  ["windows", "win32"],
]);

/** Parts of package names that stand for a processor, with npm's name for it. */
const processors = new Map([
  ["arm", "arm"],
  ["arm64", "arm64"],
  ["armv7", "arm"],
  ["ia32", "ia32"],
  ["loong64", "loong64"],
  ["mips64el", "mips64el"],
  ["ppc64", "ppc64"],
  ["riscv64", "riscv64"],
  ["s390x", "s390x"],
  ["wasm32", "wasm32"],
  ["x64", "x64"],
]);

/**
 * The entry of a platform package; for whom it is, its name says: `@x/binding-linux-x64-musl` is for linux, x64, musl. The fields
 * are in npm's order, so that npm leaves the file as it is.
 */
function entryOf(name, version, isDev) {
  const words = name.slice(name.lastIndexOf("/") + 1).split(/[-_.]/);
  const first = (map) => words.map((word) => map.get(word)).find((value) => value !== undefined);
  const os = first(systems);
  const cpu = first(processors);
  const libc = words.some((word) => word.startsWith("musl"))
    ? "musl"
    : words.some((word) => word.startsWith("gnu")) && os === "linux"
      ? "glibc"
      : undefined;
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...(isDev && { dev: true }),
    ...(libc && { libc: [libc] }),
    optional: true,
    ...(os && { os: [os] }),
  };
}

/** The folders in which Node looks for a dependency of the package at `folder`, nearest first. */
function lookupFolders(folder) {
  const folders = [];
  for (let at = folder; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
    if (!at.endsWith("node_modules")) folders.push(at === "" ? "node_modules" : `${at}/node_modules`);
    if (at === "") return folders;
  }
}

/** Adds the missing entries to `packages` and returns what they are, as `name@version`. */
function complete(packages) {
  const added = [];
  for (const [folder, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const found = lookupFolders(folder).find((lookup) => packages[`${lookup}/${name}`] !== undefined);
      const isExact = /^\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(version);
      if (found !== undefined && (!isExact || packages[`${found}/${name}`].version === version)) continue;
      if (!isExact)
        throw new Error(`${folder || "the root"} names ${name}@${version}: not an exact version, add it by hand`);
      const home = found === undefined || folder === "" ? "node_modules" : `${folder}/node_modules`;
      if (found === home) continue;
      packages[`${home}/${name}`] = entryOf(name, version, entry.dev);
      added.push(`${name}@${version}`);
    }
  }
  return added;
}

const file = process.argv[2] ?? "package-lock.json";
const lock = JSON.parse(readFileSync(file, "utf8"));
const added = complete(lock.packages);
if (added.length > 0) {
  const sorted = Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, "en"));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
}
console.log(`${file}: ${added.length} optional platform packages added`);
