/** Which metrics a process of a fleet serves (A1). */
import { expect, test } from "vitest";
import { telemetryOfStarter, telemetryOfWorker } from "../../framework/fleet/telemetry.ts";

const otlp = { url: undefined, headers: undefined, intervalMs: 60_000 };

function at(port: number) {
  return { endpoint: { port, host: "127.0.0.1" }, otlp };
}

test("A1: a worker serves at the port and its index, and sends what is to be sent", () => {
  expect(telemetryOfWorker(at(9464), 0)).toEqual(at(9464));
  expect(telemetryOfWorker(at(9464), 2)).toEqual(at(9466));
});

test("A1: a free port stays a free one, and nothing stays nothing", () => {
  expect(telemetryOfWorker(at(0), 2)).toEqual(at(0));
  expect(telemetryOfWorker({ endpoint: undefined, otlp: undefined }, 2)).toEqual({
    endpoint: undefined,
    otlp: undefined,
  });
});

test("the starter serves and sends nothing, and refuses more workers than there are ports", () => {
  expect(telemetryOfStarter(at(65_530), 6)).toEqual({ endpoint: undefined, otlp: undefined });
  expect(() => telemetryOfStarter(at(65_530), 7)).toThrow(/65530 to 65536/);
});
