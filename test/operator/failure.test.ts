import { expect, test } from "vitest";
import { StreamError } from "../../framework/errors.ts";
import { blame, deadLetterOf, OperatorFailure } from "../../framework/operator/failure.ts";
import { mapOperator } from "../../framework/operator/map.ts";
import { operatorHarness } from "../../framework/testing/operator-harness.ts";

function userFunction(): never {
  throw new TypeError("mine");
}

test("X2: the first operator that a throw comes out of keeps the blame", () => {
  expect(blame("outer", blame("inner", new Error("x")))).toMatchObject({ operator: "inner", message: "x" });
});

test("X1: a StreamError that says what is wrong with a record keeps its code; one about an option is the user's function", () => {
  const codes = (["KEY_INVALID", "OPTION_INVALID"] as const).map((code) => {
    const failure = blame("op", new StreamError(code, "x"));
    return (
      failure instanceof OperatorFailure &&
      deadLetterOf(failure, { key: undefined, timestamp: 0, value: 0, origin: "record" }).code
    );
  });
  expect(codes).toEqual(["KEY_INVALID", "USER_FUNCTION"]);
});

test("X3: the stack has the user's frames without directories, and none of the framework's", () => {
  const [letter] = operatorHarness(mapOperator(() => userFunction()))
    .process(1)
    .take().deadLetters;
  const frames = letter?.stack.split("\n") ?? [];
  expect(frames[0]).toMatch(/^at userFunction \(failure\.test\.ts:\d+:\d+\)$/);
  expect(letter?.stack).not.toMatch(/[\\/]/);
  expect(frames).toHaveLength(2);
});

test("X3: a throw that is no error has no stack", () => {
  const { deadLetters } = operatorHarness(
    mapOperator(() => {
      throw "text"; // oxlint-disable-line no-throw-literal, typescript/only-throw-error -- what users may do
    }),
  )
    .process(1)
    .take();
  expect(deadLetters).toMatchObject([{ message: "text", stack: "", code: "USER_FUNCTION" }]);
});

test("a value that no codec takes is rendered", () => {
  const failure = new OperatorFailure("op", new Error("x"));
  const rendered = [{ a: 1, f: () => 1, n: 5n }, () => 1, Symbol("s")].map((value) =>
    deadLetterOf(failure, { key: undefined, timestamp: 0, value, origin: "record" }),
  );
  expect(new Set(rendered.map(({ origin }) => origin))).toEqual(new Set(["rendering"]));
  expect(rendered.map(({ value }) => value)).toEqual([
    '{"a":1,"f":"(function)","n":"(bigint)"}',
    '"(function)"',
    '"(symbol)"',
  ]);
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const letter = deadLetterOf(failure, { key: undefined, timestamp: 0, value: circular, origin: "record" });
  expect(letter.value).toBe("(object)");
});
