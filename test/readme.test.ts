/**
 * What the READMEs promise: their code compiles, their commands exist, and so do the files that they name.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { root } from "./support/program.ts";

interface Readme {
  /** From the root. */
  readonly path: string;
  readonly text: string;
}

const readmes: readonly Readme[] = ["README.md", "framework/README.md"].map((path) => ({
  path,
  text: readFileSync(join(root, path), "utf8"),
}));

/** The contents of every block of code in `language`. */
function blocksOf({ text }: Readme, language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map(([, code = ""]) => code);
}

test("every block of TypeScript compiles, as a file of the folder `test`", { timeout: 180_000 }, () => {
  const folder = join(root, ".cache", `readme-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = { extends: "../../tsconfig.json", include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const blocks = readmes.flatMap((readme) => blocksOf(readme, "ts"));
  expect(blocks.length).toBeGreaterThan(0);
  for (const [at, block] of blocks.entries()) {
    writeFileSync(join(folder, `block-${at + 1}.ts`), block.replaceAll('from "../', 'from "../../'));
  }
  const compiler = join(root, "node_modules/.bin/tsc");
  const { stdout, status } = spawnSync(compiler, ["-p", folder, "--pretty", "false"], { encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});

test("the first program is examples/quick-start.ts", () => {
  const [program] = readmes.flatMap((readme) => blocksOf(readme, "ts"));
  const example = readFileSync(join(root, "examples/quick-start.ts"), "utf8");
  expect(program).toBe(example.slice(example.indexOf("*/\n") + 3));
});

test("every npm script that is named exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly scripts: object };
  const named = readmes.flatMap(({ text }) => [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]);
  const names = new Set(named.map(([, run, own]) => run ?? own ?? ""));
  expect(names).toContain("check");
  expect([...names].filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

test("every file that is named exists", () => {
  const missing = readmes.flatMap((readme) => {
    const places = [root, join(root, "framework"), join(root, readme.path, "..")];
    return filesNamedIn(readme)
      .filter((name) => !places.some((place) => existsSync(join(place, name))))
      .map((name) => `${readme.path}: ${name}`);
  });
  expect(missing).toEqual([]);
});

/** Targets of links, and whatever in the text looks like a path with a folder: `actor/lane.ts`. */
function filesNamedIn({ text }: Readme): readonly string[] {
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target = ""]) => target);
  const prose = text.replaceAll(/^```[^]*?^```$/gm, "");
  const paths = [...prose.matchAll(/`([\w.-]+\/[\w./-]*\.(?:ts|mjs|proto|conf|json))`/g)].map(([, path = ""]) => path);
  return [...new Set([...links, ...paths])];
}
