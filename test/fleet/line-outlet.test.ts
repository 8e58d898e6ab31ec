/** Lines of several processes on one stream (L1, L2). */
import { PassThrough, Writable } from "node:stream";
import { expect, test } from "vitest";
import { LineOutlet } from "../../framework/fleet/line-outlet.ts";
import { turn } from "../support/until.ts";

/** A stream that takes its time: nothing more is taken until it is told to. */
class Slow extends Writable {
  readonly taken: string[] = [];
  #go: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 8 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString());
    this.#go = done;
  }

  take(): void {
    this.#go?.();
  }
}

function collected(): { readonly to: PassThrough; readonly text: () => string } {
  const to = new PassThrough();
  let text = "";
  to.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { to, text: () => text };
}

test("L1: a line goes out when its end has come, and never into another one", async () => {
  const { to, text } = collected();
  const outlet = new LineOutlet(to);
  const one = new PassThrough();
  const other = new PassThrough();
  outlet.add(one);
  outlet.add(other);
  one.write("a begins, ");
  await turn();
  other.write("b\nc begins, ");
  await turn();
  one.write("and ends\n");
  other.write("and ends\nd\n");
  await turn();
  expect(text()).toBe("b\na begins, and ends\nc begins, and ends\nd\n");
});

test("the last line of a process that ended by itself is completed; one that a signal may have cut is dropped", async () => {
  const { to, text } = collected();
  const outlet = new LineOutlet(to);
  const whole = new PassThrough();
  const cut = new PassThrough();
  const sources = [outlet.add(whole), outlet.add(cut)];
  whole.write("one\nlast words");
  cut.write("two\nlast wo");
  await turn();
  sources[0]?.end(true);
  sources[1]?.end(false);
  await turn();
  expect(text()).toBe("one\ntwo\nlast words\n");
});

test("L2: a reader that does not follow holds the process", async () => {
  const to = new Slow();
  const outlet = new LineOutlet(to);
  const from = new PassThrough();
  outlet.add(from);
  from.write("a line longer than eight\n");
  await turn();
  expect(from.isPaused()).toBe(true);
  from.write("the next\n");
  await turn();
  expect(to.taken).toEqual(["a line longer than eight\n"]);
  to.take();
  await turn();
  await turn();
  expect(to.taken).toEqual(["a line longer than eight\n", "the next\n"]);
  outlet.close();
  expect(from.isPaused()).toBe(false);
});
