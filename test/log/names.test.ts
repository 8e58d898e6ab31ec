/** Names of what outlives a generation. */
import { expect, test } from "vitest";
import { savepointPrefix, savepointRegister } from "../../framework/log/names.ts";

test("the register of a savepoint has its name; what it consists of is told apart from an earlier attempt under that name", () => {
  expect(savepointRegister("before-upgrade")).toBe("savepoint.before-upgrade");
  expect(savepointPrefix("before-upgrade", 3, 17)).toBe("before-upgrade.3.17.");
  expect(savepointPrefix("before-upgrade", 3, 1).startsWith(savepointPrefix("before-upgrade", 3, 17))).toBe(false);
});
