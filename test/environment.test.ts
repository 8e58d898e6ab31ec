/** What the command line and the environment come to: which server, and who asks. */
import { expect, test } from "vitest";
import { natsConnection } from "../framework/environment.ts";

test("nothing said: no server", () => {
  expect(natsConnection({}, {})).toBeUndefined();
  expect(natsConnection({}, { TIDEMARK_NATS: "", TIDEMARK_CREDS: "a.creds" })).toBeUndefined();
});

test("the environment names server, credentials, TLS files and the inbox prefix", () => {
  const environment = {
    TIDEMARK_NATS: "nats://a",
    TIDEMARK_CREDS: "a.creds",
    TIDEMARK_TLS_CA: "ca.pem",
    TIDEMARK_TLS_CERT: "cert.pem",
    TIDEMARK_TLS_KEY: "key.pem",
    TIDEMARK_INBOX_PREFIX: "_INBOX_a",
    TIDEMARK_JS_DOMAIN: "hub",
    TIDEMARK_REPLICAS: "3",
  };
  expect(natsConnection({}, environment)).toEqual({
    servers: "nats://a",
    credentials: "a.creds",
    inboxPrefix: "_INBOX_a",
    domain: "hub",
    replicas: 3,
    tls: { ca: "ca.pem", cert: "cert.pem", key: "key.pem" },
  });
  expect(natsConnection({}, { TIDEMARK_CONTEXT: "prod" })).toEqual({ context: "prod" });
});

test("a domain on the command line takes the place of an API prefix in the environment: both say where JetStream is", () => {
  const environment = { TIDEMARK_NATS: "nats://a", TIDEMARK_JS_API_PREFIX: "JS.tenant.API" };
  expect(natsConnection({}, environment)).toEqual({ servers: "nats://a", apiPrefix: "JS.tenant.API" });
  expect(natsConnection({ domain: "hub" }, environment)).toEqual({ servers: "nats://a", domain: "hub" });
});

test("E1: the command line beats the environment, option by option", () => {
  const environment = { TIDEMARK_NATS: "nats://a", TIDEMARK_CREDS: "a.creds", TIDEMARK_TLS_CA: "a.pem" };
  expect(natsConnection({ credentials: "b.creds" }, environment)).toEqual({
    servers: "nats://a",
    credentials: "b.creds",
    tls: { ca: "a.pem" },
  });
  expect(natsConnection({ servers: "nats://b", tls: { cert: "b.crt", key: "b.key" } }, environment)).toEqual({
    servers: "nats://b",
    credentials: "a.creds",
    tls: { ca: "a.pem", cert: "b.crt", key: "b.key" },
  });
});

test("E2: a server or context on the command line takes the place of both of the environment's", () => {
  const environment = { TIDEMARK_NATS: "nats://a", TIDEMARK_CONTEXT: "prod", TIDEMARK_CREDS: "a.creds" };
  expect(natsConnection({ servers: "nats://b" }, environment)).toEqual({ servers: "nats://b", credentials: "a.creds" });
  expect(natsConnection({ context: "test" }, environment)).toEqual({ context: "test" });
});

test("copies of streams: 1, 3 or 5, and the command line beats the environment", () => {
  const environment = { TIDEMARK_NATS: "nats://a", TIDEMARK_REPLICAS: "5" };
  expect(natsConnection({ replicas: 3 }, environment)).toMatchObject({ replicas: 3 });
  for (const wrong of ["2", "three", "-1", "1.5"])
    expect(() => natsConnection({}, { ...environment, TIDEMARK_REPLICAS: wrong })).toThrow(
      /TIDEMARK_REPLICAS is .*1, 3 or 5/,
    );
});
