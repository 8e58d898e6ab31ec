/** Command lines of the scripts: they explain themselves, and what they do not take is refused before anything starts. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, expectTypeOf, test } from "vitest";
import { helpOf, positiveNumber, readCommandLine, wholeNumber } from "../../framework/scripts/command-line.ts";

const line = {
  command: "npm run soak",
  about: "Whether anything grows.",
  flags: {
    minutes: { type: "string", default: "15", takes: "N", help: "how long" },
    only: { type: "string", multiple: true, takes: "NAME", help: "these alone" },
    json: { type: "boolean", default: false, help: "one JSON object" },
  },
} as const;

describe("flags", () => {
  test("are read with their defaults, and typed by what they are", () => {
    const { values, positionals } = readCommandLine(line, ["--only", "a", "--only", "b"]);
    expect(values).toEqual({ minutes: "15", only: ["a", "b"], json: false });
    expect(positionals).toEqual([]);
    expectTypeOf(values.minutes).toEqualTypeOf<string>();
    expectTypeOf(values.only).toEqualTypeOf<string[] | undefined>();
    expectTypeOf(values.json).toEqualTypeOf<boolean>();
  });

  test("explain themselves, each with what it takes and what it is without", () => {
    expect(helpOf({ ...line, operands: "FILE …" })).toBe(
      [
        "npm run soak -- FILE … [flags]",
        "",
        "Whether anything grows.",
        "",
        "  --minutes N  how long (default 15)",
        "  --only NAME  these alone",
        "  --json       one JSON object",
        "",
      ].join("\n"),
    );
  });

  test.each(["", "x", "-1", "0.5", "1e99", "0", "1 2"])("a whole number of 1 or more is not %j", (text) => {
    const error = expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining("--jobs is") });
    expect(() => wholeNumber("jobs", text, 1)).toThrow(error);
  });

  test.each(["", "x", "-1", "0", "Infinity"])("a number above 0 is not %j", (text) => {
    expect(() => positiveNumber("seconds", text)).toThrow("--seconds is");
  });

  test("numbers are read", () => {
    expect(wholeNumber("jobs", "0", 0)).toBe(0);
    expect(positiveNumber("seconds", "0.5")).toBe(0.5);
  });
});

const root = resolve(import.meta.dirname, "../..");
const { scripts } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")) as {
  scripts: Readonly<Record<string, string>>;
};
const commands = Object.entries(scripts).flatMap(([name, text]) => {
  const [, file] = /^node (framework\/scripts\/[a-z-]+\.ts)$/u.exec(text) ?? [];
  return file === undefined || name === "golden:savepoint" ? [] : [[name, file] as const];
});

describe("every npm script", () => {
  test.each(commands)("%s refuses a flag that nobody knows, with 2 and one line", (name, file) => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [file, "--nonsense"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(stderr).toBe(`Unknown option '--nonsense'; npm run ${name} -- --help\n`);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  });

  test.each([
    ["sim", "--seeds", "none", "--seeds is none; it takes a whole number of 1 or more\n"],
    ["mutants", "", "no such", "no mutant is called no such\n"],
    ["fuzz", "", "no such", "no target is called no such\n"],
  ])("%s %s %s is refused with 2", (name, flag, value, said) => {
    const args = [`framework/scripts/${name}.ts`, ...(flag === "" ? [] : [flag]), value];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 2, stderr: said });
  });
});
