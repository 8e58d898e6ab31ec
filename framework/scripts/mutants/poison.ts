/**
 * Mutants of suspicion, probation and skips (R15).
 */
import type { Mutant } from "./mutant.ts";

/** All of them. */
export const poisonMutants: readonly Mutant[] = [
  {
    name: "skip decision behind the message",
    file: "protocol/claim.ts",
    from: "[...(pointer?.skips ?? []), ...decided]",
    to: "pointer?.skips ?? []",
    tests: ["actor/probation.test.ts"],
  },
  {
    name: "skip of what the pointer has passed",
    file: "protocol/skip.ts",
    from: "if (skip.sequence > sequence && !left.has(keyOf(skip)))",
    to: "if (!left.has(keyOf(skip)))",
    tests: ["protocol/skip.test.ts"],
  },
  {
    name: "death in another's turn held against all",
    file: "protocol/skip.ts",
    from: 'if (isAcquitted) return { kind: "hold", suspicion: withoutSkip(before) };',
    to: "",
    tests: ["protocol/skip.test.ts"],
  },
  {
    name: "deaths at different steps add up",
    file: "protocol/skip.ts",
    from: "before.site?.sequence === site.sequence && before.site.step === site.step",
    to: "before.site?.sequence === site.sequence",
    tests: ["protocol/skip.test.ts"],
  },
  {
    name: "step taken before it is written down",
    file: "actor/suspect-register.ts",
    from: "this.#holder = holder; this.#write(suspect, known);",
    to: "this.#holder = holder; known(); this.#write(suspect, () => undefined);",
    tests: ["actor/suspect-register.test.ts"],
  },
  {
    name: "two on probation in a turn at a time",
    file: "actor/suspect-register.ts",
    from: "if (this.#holder !== undefined && this.#holder !== holder)",
    to: "if (this.#holder === null)",
    tests: ["actor/suspect-register.test.ts"],
  },
  {
    name: "skipped step not counted",
    file: "actor/watched-outlet.ts",
    from: "if (skip !== undefined) throw",
    to: "if (skip !== undefined) this.#step -= 1; if (skip !== undefined) throw",
    tests: ["actor/watched-outlet.test.ts"],
  },
];
