import fc from "fast-check";
import { expect, test } from "vitest";
import { TimeBuffer, type Waiting } from "../../framework/operator/time-buffer.ts";

const record = (time: number, value: unknown): Waiting => ({ time, value, isMatched: false });

test("B1, B2: behaves like a list that is sorted by time, whatever is added, taken back and taken out", () => {
  const action = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constant("add" as const), fc.nat({ max: 20 })) },
    fc.tuple(fc.constant("add and take back" as const), fc.nat({ max: 20 })),
    { weight: 2, arbitrary: fc.tuple(fc.constant("shift" as const), fc.constant(0)) },
  );
  const property = fc.property(
    fc.array(action, { maxLength: 200 }),
    fc.nat({ max: 20 }),
    fc.nat({ max: 20 }),
    (actions, from, to) => {
      const buffer = new TimeBuffer();
      let model: Waiting[] = [];
      for (const [value, [kind, time]] of actions.entries()) {
        const one = record(time, value);
        const taken = kind === "shift" ? [buffer.shift(), model.shift()] : [];
        expect(taken[0]).toBe(taken[1]);
        if (kind !== "shift") buffer.add(one);
        if (kind === "add") model = [...model, one].toSorted((a, b) => a.time - b.time);
        if (kind === "add and take back") buffer.takeBack(one);
        expect(buffer.first).toBe(model[0]);
      }
      expect(buffer.all()).toEqual(model);
      expect(buffer.size).toBe(model.length);
      const ranged: Waiting[] = [];
      buffer.forRange(from, to, (each) => ranged.push(each));
      expect(ranged).toEqual(model.filter(({ time }) => time >= from && time <= to));
    },
  );
  fc.assert(property, { numRuns: 1000 });
});
