/**
 * The house rules as tests: names, comments, sizes, who imports whom, the error table.
 *
 * Reads the sources as text, line by line: simple enough to be understood at a glance, and independent of the linter, which holds
 * some of the same rules. A failed rule lists every place that breaks it.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface TextFile {
  /** From the root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

function readFiles(patterns: readonly string[]): readonly TextFile[] {
  const paths = globSync(patterns, {
    cwd: root,
    exclude: (path) => /(^|[\\/])(node_modules|dist|generated)$/.test(path),
  });
  return paths
    .map((path) => path.replaceAll("\\", "/"))
    .toSorted()
    .map((path) => {
      const text = readFileSync(posix.join(root, path), "utf8");
      return { path, text, lines: text.split("\n") };
    });
}

const framework = readFiles(["framework/**/*.{ts,mts,js,mjs}"]);
const tests = readFiles(["test/**/*.{ts,mts,js,mjs}"]);
const sources = [...framework, ...tests, ...readFiles(["examples/**/*.{ts,mts,js,mjs}"])];
const documents = readFiles(["*.md", "{docs,framework,examples,protos,test}/**/*.{md,proto}"]);

const pureFolders = ["time", "record", "state", "window", "operator", "protocol", "plan", "api"];

/** Fails with the rule and every place that breaks it. */
function expectNone(rule: string, places: readonly string[]): void {
  if (places.length > 0) throw new Error(`${rule}\n  ${places.join("\n  ")}`);
}

/** Every line of `files` that matches, as `path:line: text`. */
function linesMatching(files: readonly TextFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );
}

/** Whether the line is (part of) a comment, as the formatter lays comments out. */
function isComment(line: string): boolean {
  return /^\s*(\/\/|\/\*|\*)/.test(line);
}

interface Exported {
  readonly kind: string;
  readonly name: string;
  /** Index into the file's lines. */
  readonly at: number;
}

const declaration =
  /^export (?:default )?(?:declare )?(const|let|function|class|interface|type|enum|abstract class|async function)\*? ([\w$]+)/;

function exportsOf(file: TextFile): readonly Exported[] {
  return file.lines.flatMap((line, at) => {
    const [, kind, name] = declaration.exec(line) ?? [];
    return kind === undefined || name === undefined ? [] : [{ kind, name, at }];
  });
}

/** Whether a doc comment ends on the line directly before. */
function isDocumented(lines: readonly string[], at: number): boolean {
  if (lines[at - 1]?.endsWith("*/") !== true) return false;
  const start = lines.findLastIndex((line, index) => index < at && /^\s*\/\*/.test(line));
  return lines[start]?.startsWith("/**") === true;
}

const bannedWords = new Set(["manager", "helper", "util", "impl", "base", "data", "info"]);

/** The words of a camel-case or kebab-case name that say nothing. */
function emptyWords(name: string): readonly string[] {
  const words = name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*/g) ?? [];
  return words.map((word) => word.toLowerCase()).filter((word) => bannedWords.has(word.replace(/s$/, "")));
}

test("no export is called Manager, Helper, Util, Impl, Base, Data or Info", () => {
  const places = framework.flatMap((file) =>
    exportsOf(file).flatMap(({ name, at }) =>
      emptyWords(name).map((word) => `${file.path}:${at + 1}: ${name} says nothing by "${word}"`),
    ),
  );
  expectNone("name things for what they are", places);
});

test("no interface, type or class has an I in front", () => {
  const places = framework.flatMap((file) =>
    exportsOf(file).flatMap(({ name, at }) => (/^I[A-Z][a-z]/.test(name) ? [`${file.path}:${at + 1}: ${name}`] : [])),
  );
  expectNone("the interface has the good name, its implementations the longer ones", places);
});

test("no file is called manager, helper, util, impl, base, data or info", () => {
  const places = sources.flatMap(({ path }) =>
    emptyWords(posix.basename(path)).map((word) => `${path}:1: "${word}" says nothing`),
  );
  expectNone("name files after their main export", places);
});

test("files are in kebab-case", () => {
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|test-d|bench|config))?\.m?[tj]s$/;
  const places = sources.flatMap(({ path }) => (kebab.test(posix.basename(path)) ? [] : [`${path}:1`]));
  expectNone("file names are lower-case words joined by hyphens", places);
});

test("every export of the framework has a doc comment", () => {
  const places = framework.flatMap((file) => {
    const documented = new Set<string>();
    return exportsOf(file).flatMap(({ kind, name, at }) => {
      if (isDocumented(file.lines, at)) documented.add(name);
      return documented.has(name) ? [] : [`${file.path}:${at + 1}: ${kind} ${name}`];
    });
  });
  expectNone("say directly before the export what it means (once for all overloads)", places);
});

test("every file of the framework starts with a header comment", () => {
  const places = framework.flatMap(({ path, text }) => (/^(#!.*\n)?\/\*\*/.test(text) ? [] : [`${path}:1`]));
  expectNone("the first lines say what the file owns and what it does not", places);
});

test("no file of the framework has more than 450 lines", () => {
  const places = framework.flatMap(({ path, lines }) =>
    lines.length > 451 ? [`${path}:451 of ${lines.length - 1}`] : [],
  );
  expectNone("a file this long holds two ideas", places);
});

test("every test of a pure folder mirrors a source", () => {
  const mirrored = new RegExp(`^test/((?:${pureFolders.join("|")})/.+)\\.test\\.ts$`);
  const places = tests.flatMap(({ path }) => {
    const [, name] = mirrored.exec(path) ?? [];
    const source = `framework/${name}.ts`;
    return name === undefined || existsSync(posix.join(root, source)) ? [] : [`${path}:1: there is no ${source}`];
  });
  expectNone("test/window/session.test.ts tests framework/window/session.ts", places);
});

interface Layer {
  /** Folders of the framework that it may import; itself and errors.ts always. */
  readonly folders: readonly string[];
  /** Single files of other folders that it may import. */
  readonly files?: readonly string[];
  /** Packages and built-in modules that it may import. */
  readonly packages?: RegExp;
}

const codecs = /^(protobufjs|msgpackr)(\/|$)|^node:(zlib|buffer)$/;
const logContracts = ["log/contracts.ts", "log/source.ts", "log/sink.ts"];
const edge = {
  folders: ["state", "record"],
  files: [...logContracts, "log/ends.ts", "log/names.ts", "platform/platform.ts", "time/duration.ts"],
  packages: /^node:|^@nats-io\/|^@opentelemetry\/|^lmdb$/,
} as const satisfies Layer;
const belowActor = [
  "time",
  "record",
  "state",
  "window",
  "operator",
  "protocol",
  "plan",
  "api",
  "log",
  "platform",
  "telemetry",
];

/** What every folder may import. */
const sharedByAll: ReadonlySet<string> = new Set(["errors.ts", "known-options.ts"]);

/** Who may import whom; the linter holds the same table (.oxlintrc.json). */
const layers: Readonly<Record<string, Layer>> = {
  "errors.ts": { folders: [] },
  "known-options.ts": { folders: [] },
  time: { folders: [] },
  record: { folders: [], packages: codecs },
  state: { folders: ["time", "record"], packages: codecs },
  window: { folders: ["state", "time", "record"] },
  operator: { folders: ["window", "state", "time", "record"] },
  protocol: { folders: ["time", "record"] },
  plan: { folders: ["operator", "window", "state", "time", "record"], files: [...logContracts, "log/names.ts"] },
  api: { folders: ["plan", "operator", "window", "state", "time", "record"], files: logContracts },
  log: { folders: ["record"], files: ["platform/platform.ts"] },
  platform: { folders: ["record"], packages: /^node:crypto$/ },
  nats: edge,
  backends: edge,
  connectors: { ...edge, folders: [...edge.folders, "nats"] },
  telemetry: edge,
  actor: { folders: belowActor, packages: /^xstate(\/|$)/ },
  administration: { folders: [...belowActor, "actor"] },
  replay: { folders: [...belowActor, "actor", "administration"] },
};
const everything: Layer = {
  folders: [
    ...belowActor,
    "nats",
    "backends",
    "connectors",
    "actor",
    "administration",
    "replay",
    "fleet",
    "threads",
    "cli",
    "dashboard",
    ".",
  ],
  packages: /^(?!tidemark(\/|$))/,
};
const withTesting: Layer = { ...everything, folders: [...everything.folders, "testing"] };

/** The top folder of a path inside the framework; `.` for files of the framework's own folder. */
function folderOf(inside: string): string {
  return inside.includes("/") ? inside.slice(0, inside.indexOf("/")) : ".";
}

function layerOf(inside: string): Layer | undefined {
  const folder = folderOf(inside);
  if (folder === "testing" || folder === "scripts") return withTesting;
  if (folder === "fleet" || folder === "threads" || folder === "cli" || folder === "dashboard") return everything;
  return folder === "." ? (layers[inside] ?? everything) : layers[folder];
}

interface Import {
  readonly specifier: string;
  readonly line: number;
}

const importForms = [
  /^(?:import|export)\s+(?:type\s+)?(?:[\w$]+\s*,\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+)\s+from\s+"([^"]+)"/gm,
  /^import\s+"([^"]+)"/gm,
  /^(?!\s*(?:\*|\/[/*])).*\bimport\(\s*"([^"]+)"/gm,
];

function importsOf({ text }: TextFile): readonly Import[] {
  return importForms.flatMap((form) =>
    [...text.matchAll(form)].map((match) => ({
      specifier: match[1] ?? "",
      line: text.slice(0, match.index + match[0].length).split("\n").length,
    })),
  );
}

/** Why the file at `inside` (a path in the framework) may not import `specifier`; undefined when it may. */
function refusal(inside: string, specifier: string): string | undefined {
  const layer = layerOf(inside);
  if (layer === undefined) return `the folder ${folderOf(inside)} has no row in the table of layers`;
  if (!specifier.startsWith(".")) return layer.packages?.test(specifier) === true ? undefined : `no ${specifier} here`;
  const target = posix.join(posix.dirname(inside), specifier);
  if (target.startsWith("..")) return `${specifier} leaves the framework`;
  const folder = folderOf(target);
  const isOwn = folder !== "." && folder === folderOf(inside);
  if (isOwn || sharedByAll.has(target) || layer.files?.includes(target) === true || layer.folders.includes(folder)) {
    return undefined;
  }
  return `${folderOf(inside) === "." ? inside : folderOf(inside)} may not import ${target}`;
}

test("imports go downwards only", () => {
  const places = framework.flatMap((file) =>
    importsOf(file).flatMap(({ specifier, line }) => {
      const reason = refusal(file.path.slice("framework/".length), specifier);
      return reason === undefined ? [] : [`${file.path}:${line}: ${reason}`];
    }),
  );
  expectNone("who may import whom is fixed (see layers, above)", places);
});

test("the import rule refuses what it must refuse", () => {
  expect(refusal("time/minimum.ts", "../record/key.ts")).toBeDefined();
  expect(refusal("protocol/lane.ts", "node:fs")).toBeDefined();
  expect(refusal("plan/plan.ts", "../log/memory.ts")).toBeDefined();
  expect(refusal("nats/logs.ts", "../actor/worker.ts")).toBeDefined();
  expect(refusal("actor/worker.ts", "../nats/logs.ts")).toBeDefined();
  expect(refusal("run.ts", "./testing/index.ts")).toBeDefined();
  expect(refusal("cli/bin.ts", "tidemark")).toBeDefined();
  expect(refusal("unheard/of.ts", "./it.ts")).toBeDefined();
  expect(refusal("plan/plan.ts", "../log/source.ts")).toBeUndefined();
  expect(refusal("time/minimum.ts", "../errors.ts")).toBeUndefined();
  expect(refusal("record/codec.ts", "protobufjs/minimal.js")).toBeUndefined();
  expect(refusal("run.ts", "./actor/worker.ts")).toBeUndefined();
});

test("only the edges read the clock or draw random numbers", () => {
  const edges = /^framework\/((platform|nats|cli|connectors|scripts)\/|run\.ts$)/;
  const inner = framework.filter(({ path }) => !edges.test(path));
  const reads = /\b(Date\.now|Math\.random|performance\.now)\b|\bnew Date\(\)/;
  const places = linesMatching(inner, reads).filter((place) => !isComment(place.replace(/^[^:]+:\d+: /, "")));
  expectNone("take time and chance from the context or the platform", places);
});

const errorsFile = framework.find(({ path }) => path === "framework/errors.ts");

/** Every code of `errorPolicy` with its policy and its line. */
function errorCodes(): ReadonlyMap<string, { readonly policy: string; readonly line: number }> {
  const rows = (errorsFile?.lines ?? []).flatMap((line, at) => {
    const [, code, policy] = /^ {2}([A-Z][A-Z0-9_]+): "(\w+)",/.exec(line) ?? [];
    return code === undefined || policy === undefined ? [] : [[code, { policy, line: at + 1 }] as const];
  });
  return new Map(rows);
}

/** Every row of the tables in the sections about errors of framework/README.md: the code, and the row with its line. */
function readmeErrors(): ReadonlyMap<string, { readonly row: string; readonly line: number }> {
  const lines = documents.find(({ path }) => path === "framework/README.md")?.lines ?? [];
  const rows = new Map<string, { readonly row: string; readonly line: number }>();
  let depth = 0;
  for (const [at, line] of lines.entries()) {
    const [, hashes, title] = /^(#+) (.*)/.exec(line) ?? [];
    if (hashes !== undefined && (depth === 0 || hashes.length <= depth))
      depth = /\berrors?\b/i.test(title ?? "") ? hashes.length : 0;
    const [, code] = /^\|\s*`([A-Z][A-Z0-9_]+)`\s*\|/.exec(line) ?? [];
    if (depth > 0 && code !== undefined) rows.set(code, { row: line, line: at + 1 });
  }
  return rows;
}

test("the README's error table and errorPolicy hold the same codes and policies", () => {
  const codes = errorCodes();
  const rows = readmeErrors();
  expect(
    codes.size,
    "framework/errors.ts has no codes in errorPolicy, or the layout of the table has changed",
  ).toBeGreaterThan(0);
  expect(
    rows.size,
    "framework/README.md has no table of `CODE` rows under a heading with the word errors",
  ).toBeGreaterThan(0);
  const missing = [...codes].flatMap(([code, { policy, line }]) => {
    const row = rows.get(code);
    if (row === undefined) return [`framework/errors.ts:${line}: ${code} is not in the README's table`];
    return new RegExp(`\\|\\s*\`?${policy}\`?\\s*\\|`).test(row.row)
      ? []
      : [`framework/README.md:${row.line}: ${code} is "${policy}"`];
  });
  const unknown = [...rows].flatMap(([code, { line }]) =>
    codes.has(code) ? [] : [`framework/README.md:${line}: ${code} is not in errorPolicy`],
  );
  expectNone("code and README tell the same story", [...missing, ...unknown]);
});

test("every error code is used", () => {
  const users = framework.filter((file) => file !== errorsFile);
  const places = [...errorCodes()].flatMap(([code, { line }]) =>
    users.some(({ text }) => new RegExp(`"${code}"|\\.${code}\\b`).test(text))
      ? []
      : [`framework/errors.ts:${line}: ${code}`],
  );
  expectNone("a code that nothing raises promises what does not happen", places);
});

test("nothing switches the compiler off", () => {
  expectNone(
    "expect the error (@ts-expect-error, with the reason) or remove it",
    linesMatching(sources, /@ts-(?:ignore|nocheck)/),
  );
});

test("no test is switched off, none runs alone", () => {
  const switches = /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.(?:only|skip)\b/;
  expectNone("every test runs, every time", linesMatching(tests, switches));
});

test("nothing is left for later in the sources", () => {
  expectNone(
    "do it, or write it where plans are written",
    linesMatching([...sources, ...documents], /\bTO(?:DO)\b|\bFIX(?:ME)\b/),
  );
});
