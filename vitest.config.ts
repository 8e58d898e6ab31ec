/**
 * How the tests run: every core, 30 s per test, and the type tests beside the others.
 */
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// The tests start some hundred processes of the same files: what Node makes of them is kept, as `tidemark` keeps it.
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "node-compile-cache");

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    maxWorkers: availableParallelism(),
    testTimeout: 30_000,
    hookTimeout: 30_000,
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
