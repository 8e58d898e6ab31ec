/**
 * Commands of `tidemark` run to their end within the process of the test: what they print, and the exit code. A process of its own for each costs a second,
 * and shows no more than one of them does (`test/e2e/cli.test.ts`).
 */
import { vi } from "vitest";
import { main } from "../../framework/cli/main.ts";

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

/** Commands share standard output: one at a time. */
let last: Promise<unknown> = Promise.resolve();

/** Runs the command `tidemark` with `args`. */
export function runTidemark(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const running = last.then(() => run(args, environment));
  last = running.catch(() => undefined);
  return running;
}

async function run(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Ran> {
  const texts = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      texts[name] += String(text);
      return true;
    }),
  );
  const before = process.exitCode;
  for (const [name, value] of Object.entries({ NO_COLOR: "1", TIDEMARK_NATS: "", ...environment }))
    vi.stubEnv(name, value);
  try {
    await main(["node", "tidemark", ...args]);
    return { code: Number(process.exitCode ?? 0), out: texts.stdout.trimEnd(), said: texts.stderr.trimEnd() };
  } finally {
    process.exitCode = before;
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
}
