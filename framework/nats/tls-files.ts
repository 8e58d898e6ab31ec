/**
 * Files for TLS: reads them before anything is connected to, so that a wrong path is said as one.
 *
 * Owns the check that they are what they are called; whether the server's certificate is good is decided when it is shown.
 *
 * T1. No message contains a line of a file.
 */
import { X509Certificate } from "node:crypto";
import { promises as files, readFileSync } from "node:fs";
import type { TlsOptions } from "@nats-io/nats-core";
import { messageOf, StreamError } from "../errors.ts";
import type { ClusterTls } from "../log/ends.ts";

/** Files and choices for TLS. */
export type NatsTls = ClusterTls;

const certificateMark = /-----BEGIN (TRUSTED )?CERTIFICATE-----/;
const keyMark = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/;

/** Checks the files, and names them to the client, which reads them at every connection: what has been renewed meanwhile counts. @throws PATH_UNUSABLE for one that cannot be read; OPTION_INVALID for one that holds something else, or a certificate without its key */
export async function readTls({ ca, cert, key, handshakeFirst }: NatsTls): Promise<TlsOptions> {
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ["key", "certificate"] : ["certificate", "key"];
    throw new StreamError("OPTION_INVALID", `TLS: a client's ${given} is given without its ${missing}`);
  }
  return {
    ...(ca !== undefined && { caFile: await checkPem(ca, "authorities", certificateMark) }),
    ...(cert !== undefined && { certFile: await checkPem(cert, "client certificate", certificateMark) }),
    ...(key !== undefined && { keyFile: await checkPem(key, "client key", keyMark) }),
    ...(handshakeFirst !== undefined && { handshakeFirst }),
  };
}

async function checkPem(path: string, what: string, mark: RegExp): Promise<string> {
  const text = await readText(path, `TLS ${what}`);
  if (mark.test(text)) return path;
  throw new StreamError("OPTION_INVALID", `TLS ${what} ${path}: the file holds none in PEM (-----BEGIN …-----)`);
}

/** To when a certificate was valid that has expired; undefined of one that has not, or that cannot be read. */
export function expiryOf(path: string): string | undefined {
  try {
    const { validTo, validToDate } = new X509Certificate(readFileSync(path));
    return validToDate.getTime() < Date.now() ? validTo : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a small file. @throws PATH_UNUSABLE with the path and what it was to be */
export async function readText(path: string, what: string): Promise<string> {
  try {
    return await files.readFile(path, "utf8");
  } catch (error) {
    throw new StreamError("PATH_UNUSABLE", `${what} ${path}: ${messageOf(error)}`, { cause: error });
  }
}
