/** What may be said about metrics, and what comes of it together with the environment. */
import { describe, expect, test } from "vitest";
import { resolveTelemetry, type TelemetryOptions } from "../../framework/telemetry/options.ts";

const resolve = (options: TelemetryOptions, environment = {}) => resolveTelemetry(options, environment);

describe("the endpoint", () => {
  test("none, where nothing asks for one", () => {
    expect(resolve({})).toEqual({ endpoint: undefined, otlp: undefined });
    expect(resolve({}, { TIDEMARK_METRICS_PORT: "" })).toEqual({ endpoint: undefined, otlp: undefined });
    expect(resolve({}, { TIDEMARK_METRICS_HOST: "0.0.0.0" }).endpoint).toBeUndefined();
  });

  test("a number is a port on loopback", () => {
    expect(resolve({ prometheus: 9464 }).endpoint).toEqual({ port: 9464, host: "127.0.0.1" });
    expect(resolve({ prometheus: { port: 0, host: "::1" } }).endpoint).toEqual({ port: 0, host: "::1" });
  });

  test("the environment fills up what is not said", () => {
    const environment = { TIDEMARK_METRICS_PORT: "9465", TIDEMARK_METRICS_HOST: "0.0.0.0" };
    expect(resolve({}, environment).endpoint).toEqual({ port: 9465, host: "0.0.0.0" });
    expect(resolve({ prometheus: 9464 }, environment).endpoint).toEqual({ port: 9464, host: "0.0.0.0" });
    expect(resolve({ prometheus: { port: 1, host: "::1" } }, environment).endpoint).toEqual({ port: 1, host: "::1" });
  });

  test("a host without a port, of the options or of the environment, is refused", () => {
    expect(resolve({ prometheus: { host: "::1" } }, { TIDEMARK_METRICS_PORT: "1" }).endpoint).toEqual({
      port: 1,
      host: "::1",
    });
    expect(() => resolve({ prometheus: { host: "::1" } })).toThrow(
      expect.objectContaining({
        code: "OPTION_INVALID",
        message: expect.stringContaining("telemetry.prometheus has no port"),
      }),
    );
  });

  test.each([-1, 65_536, 1.5, Number.NaN, Infinity])("port %d is refused", (port) => {
    expect(() => resolve({ prometheus: port })).toThrow(
      expect.objectContaining({
        code: "OPTION_INVALID",
        message: `telemetry.prometheus is ${port}: a port is a whole number up to 65535, 0 for a free one`,
      }),
    );
  });

  test.each(["http", "-1", "99999", "0x10", "1e3", " 80"])("TIDEMARK_METRICS_PORT=%j is refused", (text) => {
    expect(() => resolve({}, { TIDEMARK_METRICS_PORT: text })).toThrow(
      expect.objectContaining({
        code: "OPTION_INVALID",
        message: expect.stringContaining(`TIDEMARK_METRICS_PORT is ${text}: a port`),
      }),
    );
  });
});

describe("OTLP", () => {
  test("asked for without a word more: the standard variables decide, once a minute", () => {
    expect(resolve({ otlp: {} }).otlp).toEqual({ url: undefined, headers: undefined, intervalMs: 60_000 });
  });

  test("the path of the metrics is added where the URL has none", () => {
    const urlOf = (url: string) => resolve({ otlp: { url } }).otlp?.url;
    expect(urlOf("http://collector:4318")).toBe("http://collector:4318/v1/metrics");
    expect(urlOf("https://collector/")).toBe("https://collector/v1/metrics");
    expect(urlOf("https://collector/otlp/v1/metrics")).toBe("https://collector/otlp/v1/metrics");
  });

  test.each(["collector:4318", "grpc://collector:4317", "", "/v1/metrics"])(
    "url %j is refused, unquoted: it may hold a secret",
    (url) => {
      expect(() => resolve({ otlp: { url } })).toThrow(
        expect.objectContaining({
          code: "OPTION_INVALID",
          message: "telemetry.otlp.url is no http or https URL; expected one like http://localhost:4318",
        }),
      );
    },
  );

  test.each([0, "50ms", "25h", "soon"])("interval %j is refused", (interval) => {
    expect(() => resolve({ otlp: { interval: interval as "1s" } })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining("telemetry.otlp.interval") }),
    );
  });
});

test("options that do not exist are refused", () => {
  const refused = (options: object) => () => resolve(options);
  expect(refused({ prometeus: 1 })).toThrow(/there is no option "prometeus".*"prometheus"/);
  expect(refused({ prometheus: { port: 1, hots: "" } })).toThrow(/there is no option "hots".*"host"/);
  expect(refused({ otlp: { uri: "" } })).toThrow(/there is no option "uri".*"url"/);
});
