/**
 * Where a server is and who asks: turns what the user gave into what the client takes, and into what may be printed.
 *
 * D1. Nothing secret is ever part of {@link Address.printable} or of a message: user and password are taken out of the URLs first.
 * D2. What is said directly beats what a context says, field by field.
 */
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  type TlsOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core";
import { StreamError } from "../errors.ts";
import type { ClusterAddress } from "../log/ends.ts";
import { type NatsContext, readContext } from "./context.ts";
import { type NatsTls, readText, readTls } from "./tls-files.ts";

/** How to reach a server. */
export type AddressInput = ClusterAddress;

/** What the client takes. */
export interface Address {
  /** `host:port`, without anything secret. */
  readonly servers: readonly string[];
  readonly printable: string;
  readonly authenticator: Authenticator | undefined;
  readonly tls: TlsOptions | undefined;
  readonly inboxPrefix: string | undefined;
}

/** @throws OPTION_INVALID for what makes no sense; PATH_UNUSABLE for a file that cannot be read */
export async function resolveAddress(input: AddressInput): Promise<Address> {
  const context = input.context === undefined ? undefined : await readContext(input.context);
  const urls = serversIn(input.servers ?? context?.servers ?? "");
  const [first] = urls;
  if (first === undefined) throw new StreamError("OPTION_INVALID", "no NATS server is named: nats://host:4222");
  const servers = urls.map(({ host }) => host);
  const tls = mergedTls(context?.tls, input.tls);
  const wantsTls = tls !== undefined || urls.some(({ protocol }) => protocol === "tls:");
  return {
    servers,
    printable: servers.join(", "),
    authenticator: await authenticatorOf(input, first, context),
    tls: wantsTls ? await readTls(tls ?? {}) : undefined,
    inboxPrefix: input.inboxPrefix ?? context?.inboxPrefix,
  };
}

/** The servers as they may be printed: without what stands before an `@`. */
export function printableServers(servers: string | readonly string[]): string {
  return [servers]
    .flat()
    .join(",")
    .replaceAll(/[^,\s/]*@/g, "");
}

function mergedTls(below: NatsTls | undefined, above: NatsTls | undefined): NatsTls | undefined {
  if (below === undefined || above === undefined) return above ?? below;
  const said = Object.entries(above).filter(([, value]) => value !== undefined);
  return { ...below, ...Object.fromEntries(said) };
}

interface ServerUrl {
  readonly protocol: string;
  readonly host: string;
  readonly user: string;
  readonly password: string;
}

function serversIn(servers: string | readonly string[]): readonly ServerUrl[] {
  const given = typeof servers === "string" ? servers.split(",") : servers;
  return given.filter((server) => server.trim() !== "").map((server) => parseServer(server.trim()));
}

function parseServer(server: string): ServerUrl {
  const text = server.includes("://") ? server : `nats://${server}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const user = decoded(url?.username);
  const password = decoded(url?.password);
  const isAddress = url !== undefined && url.hostname !== "" && ["nats:", "tls:"].includes(url.protocol);
  if (!isAddress || user === undefined || password === undefined) {
    const printable = server.replace(/^.*@/, "***@");
    throw new StreamError(
      "OPTION_INVALID",
      `${JSON.stringify(printable)} is no address of a NATS server: nats://host:4222`,
    );
  }
  return { protocol: url.protocol, host: `${url.hostname}:${url.port || "4222"}`, user, password };
}

/** Undefined for an escape that is none. */
function decoded(text = ""): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

async function authenticatorOf(
  { credentials }: AddressInput,
  url: ServerUrl,
  context: NatsContext | undefined,
): Promise<Authenticator | undefined> {
  if (credentials !== undefined) return fromCredentials(credentials);
  if (url.password !== "") return usernamePasswordAuthenticator(url.user, url.password);
  if (url.user !== "") return tokenAuthenticator(url.user);
  if (context === undefined) return undefined;
  if (context.credentials !== undefined) return fromCredentials(context.credentials);
  if (context.nkey !== undefined) return fromSeed(context.nkey);
  if (context.user !== undefined) return usernamePasswordAuthenticator(context.user, context.password ?? "");
  return context.token === undefined ? undefined : tokenAuthenticator(context.token);
}

async function fromCredentials(path: string): Promise<Authenticator> {
  const text = await readText(path, "credentials file");
  return tried(
    credsAuthenticator(Buffer.from(text)),
    `credentials file ${path} holds no JWT and seed: nsc generate creds`,
  );
}

async function fromSeed(path: string): Promise<Authenticator> {
  const seed = (await readText(path, "nkey file")).match(/^\s*(SU[A-Z2-7]+)\s*$/m)?.[1] ?? "";
  return tried(nkeyAuthenticator(Buffer.from(seed)), `nkey file ${path} holds no seed of a user (SU…)`);
}

/** The client would find out at every attempt to connect, and try again for ever. */
function tried(authenticator: Authenticator, otherwise: string): Authenticator {
  try {
    const proof = authenticator("nonce");
    if (typeof proof === "object" && "sig" in proof && proof.sig !== "") return authenticator;
  } catch {
    // What the client says of it may quote the file.
  }
  throw new StreamError("OPTION_INVALID", otherwise);
}
