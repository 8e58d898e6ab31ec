/**
 * A collector for tests: takes what is sent by OTLP over HTTP and reads the protobuf.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";
import { onTestFinished } from "vitest";

/** The part of opentelemetry/proto/collector/metrics/v1 that tests look at. */
const schema = `
  syntax = "proto3";
  message Request { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeMetrics { repeated Metric metrics = 2; }
  message Metric { string name = 1; string unit = 3; Points gauge = 5; Points sum = 7; }
  message Points { repeated Point data_points = 1; }
  message Point { oneof value { double as_double = 4; sfixed64 as_int = 6; } repeated KeyValue attributes = 7; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; int64 int_value = 3; double double_value = 4; } }
`;
const requestType = protobuf.parse(schema).root.lookupType("Request");

interface Points {
  readonly dataPoints: readonly {
    readonly asDouble?: number;
    readonly asInt?: number;
    readonly attributes: readonly KeyValue[];
  }[];
}

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface Request {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeMetrics: readonly {
      readonly metrics: readonly { readonly name: string; readonly gauge?: Points; readonly sum?: Points }[];
    }[];
  }[];
}

/** One value that has been sent. */
export interface SentPoint {
  readonly name: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** What has come in one request. */
export interface Sent {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly resource: Readonly<Record<string, string | number>>;
  readonly points: readonly SentPoint[];
}

/** A collector; ends with the test. */
export interface Collector {
  readonly url: string;
  readonly sent: readonly Sent[];
}

/** Starts a collector that answers `status`. */
export async function startCollector(status = 200): Promise<Collector> {
  const sent: Sent[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      sent.push({ path: request.url ?? "", headers: request.headers, ...read(bytes) });
      response.writeHead(status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent };
}

function read(bytes: Uint8Array): Pick<Sent, "resource" | "points"> {
  const request = requestType.toObject(requestType.decode(bytes), { longs: Number, arrays: true }) as Request;
  const points = request.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(
        ({ name, gauge, sum }) =>
          (gauge ?? sum)?.dataPoints.map(({ asDouble, asInt, attributes }) => ({
            name,
            value: asDouble ?? asInt ?? Number.NaN,
            attributes: valuesOf(attributes),
          })) ?? [],
      ),
    ),
  );
  return { resource: valuesOf(request.resourceMetrics[0]?.resource.attributes ?? []), points };
}

function valuesOf(attributes: readonly KeyValue[]): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? Number.NaN]),
  );
}
