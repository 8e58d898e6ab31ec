/**
 * The command lines of the scripts beside the framework: flags that explain themselves, and are refused with a sentence.
 *
 * Owns what `--help` prints and the exit codes: 0 for help, 2 for what the command line says wrong, 1 for what went wrong later.
 */
import { parseArgs } from "node:util";
import { StreamError, messageOf } from "../errors.ts";

/** One flag. */
export interface Flag {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  readonly default?: string | boolean;
  /** What a flag with a value takes: `N`, `DURATION`. */
  readonly takes?: string;
  /** What it is for; the default is said behind it. */
  readonly help: string;
}

type Flags = Readonly<Record<string, Flag>>;

/** What a command line is made of. */
export interface CommandLine<F extends Flags> {
  /** As it is typed: `npm run soak`. */
  readonly command: string;
  /** What stands behind the flags: `FILE …`; without it there is nothing. */
  readonly operands?: string;
  readonly about: string;
  readonly flags: F;
}

interface Config<F extends Flags> {
  args: string[];
  options: F;
  allowPositionals: true;
}

/** What was typed. */
export type Typed<F extends Flags> = ReturnType<typeof parseArgs<Config<F>>>;

/**
 * Reads the command line of this process. `--help` is answered, and what nobody knows is refused: the process ends then.
 *
 * Numbers and durations stay text: {@link wholeNumber} and {@link positiveNumber} read them where they are used.
 */
export function readCommandLine<F extends Flags>(line: CommandLine<F>, args = process.argv.slice(2)): Typed<F> {
  if (args.includes("--help")) {
    process.stdout.write(helpOf(line));
    process.exit(0);
  }
  try {
    const typed = parseArgs<Config<F>>({ args, options: line.flags, allowPositionals: true });
    const [extra] = line.operands === undefined ? typed.positionals : [];
    if (extra !== undefined)
      throw new StreamError("OPTION_INVALID", `"${extra}" is no flag, and nothing else is taken`);
    return typed;
  } catch (error) {
    const [what = ""] = messageOf(error).split(/\. |\n/u);
    process.stderr.write(`${what}; ${line.command} -- --help\n`);
    process.exit(2);
  }
}

/** The text that `--help` prints. */
export function helpOf({ command, operands, about, flags }: CommandLine<Flags>): string {
  const named = Object.entries(flags).map(([name, { takes, help, default: usual }]) => {
    const flag = takes === undefined ? `--${name}` : `--${name} ${takes}`;
    return [flag, typeof usual === "string" ? `${help} (default ${usual})` : help] as const;
  });
  const width = Math.max(...named.map(([flag]) => flag.length));
  const lines = named.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`);
  const usage = operands === undefined ? `${command} -- [flags]` : `${command} -- ${operands} [flags]`;
  return `${usage}\n\n${about}\n\n${lines.join("\n")}\n`;
}

/** The number in a flag's value. @throws OPTION_INVALID when it is no whole number of `least` or more */
export function wholeNumber(flag: string, text: string, least: number): number {
  const number = Number(text);
  if (/^\d+$/u.test(text) && Number.isSafeInteger(number) && number >= least) return number;
  throw new StreamError("OPTION_INVALID", `--${flag} is ${text}; it takes a whole number of ${least} or more`);
}

/** The number in a flag's value. @throws OPTION_INVALID when it is none above 0 */
export function positiveNumber(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new StreamError("OPTION_INVALID", `--${flag} is ${text}; it takes a number above 0`);
}

/** Runs a script to its exit code; what it throws is said in a line. */
export async function exitWith(main: () => Promise<number> | number): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = StreamError.is(error, "OPTION_INVALID") ? 2 : 1;
  }
}
