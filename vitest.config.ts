/**
 * How the tests run: every core, two minutes per test (a hang is told; a busy machine is none), and the type tests beside the others. The tests of pure
 * folders share their processes: nothing of theirs has state, and a process for each file would take longer than its tests.
 */
import { availableParallelism, homedir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// The tests start some hundred processes of the same files: what Node makes of them is kept, as `tidemark` keeps it.
process.env["NODE_COMPILE_CACHE"] ??= join(homedir(), ".cache", "tidemark", "compiled");

const pure = ["api", "operator", "plan", "protocol", "record", "state", "time", "window"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "runtime", include: ["test/**/*.test.ts"], exclude: pure } },
      { extends: true, test: { name: "pure", include: pure, isolate: false, typecheck: { enabled: false } } },
    ],
    maxWorkers: availableParallelism() + 1,
    setupFiles: ["test/support/properties.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    reporters: ["default"],
    typecheck: {
      enabled: true,
      ignoreSourceErrors: true,
      include: ["test/types/**/*.test-d.ts"],
      tsconfig: "./tsconfig.json",
    },
    benchmark: { include: ["test/bench/**/*.bench.ts"] },
  },
});
