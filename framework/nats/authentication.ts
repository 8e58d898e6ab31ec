/**
 * Who asks: turns what the user gave into what the client shows the server at each connection.
 *
 * Owns the reading of files with secrets, again at every connection: credentials are rotated under a running worker, and its next connection is made with
 * the new ones.
 *
 * A1. A file is checked when it is first read. One that cannot be used later (half written, gone) changes nothing: what was read last is shown.
 * A2. No message contains a line of a file.
 */
import { readFileSync } from "node:fs";
import {
  type Authenticator,
  credsAuthenticator,
  jwtAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core";
import { StreamError } from "../errors.ts";
import type { NatsContext } from "./context.ts";
import { readText } from "./tls-files.ts";

/** What the URL of a server says; empty where it says nothing. */
export interface UrlUser {
  readonly user: string;
  readonly password: string;
}

/** What is shown to the server: a credentials file before the URL, the URL before the context. @throws PATH_UNUSABLE, OPTION_INVALID */
export async function authenticatorOf(
  credentials: string | undefined,
  url: UrlUser,
  context: NatsContext | undefined,
): Promise<Authenticator | undefined> {
  if (credentials !== undefined) return fromCredentials(credentials);
  if (url.password !== "") return usernamePasswordAuthenticator(url.user, url.password);
  if (url.user !== "") return tokenAuthenticator(url.user);
  if (context === undefined) return undefined;
  if (context.credentials !== undefined) return fromCredentials(context.credentials);
  if (context.userJwt !== undefined) return fromJwt(context.userJwt, context.userSeed);
  if (context.nkey !== undefined) return fromSeed(context.nkey);
  if (context.user !== undefined) return usernamePasswordAuthenticator(context.user, context.password ?? "");
  return context.token === undefined ? undefined : tokenAuthenticator(context.token);
}

function fromCredentials(path: string): Promise<Authenticator> {
  const otherwise = `credentials file ${path} holds no JWT and seed: nsc generate creds`;
  return fromFile(path, "credentials file", otherwise, (text) => credsAuthenticator(Buffer.from(text)));
}

function fromSeed(path: string): Promise<Authenticator> {
  const otherwise = `nkey file ${path} holds no seed of a user (SU…)`;
  return fromFile(path, "nkey file", otherwise, (text) => {
    const seed = text.match(/^\s*(SU[A-Z2-7]+)\s*$/m)?.[1] ?? "";
    return nkeyAuthenticator(Buffer.from(seed));
  });
}

function fromJwt(jwt: string, seed: string | undefined): Authenticator {
  const authenticator = jwtAuthenticator(jwt, Buffer.from(seed ?? ""));
  if (provesItself(authenticator)) return authenticator;
  throw new StreamError("OPTION_INVALID", "the NATS context has a user_jwt without the user_seed that signs for it");
}

async function fromFile(
  path: string,
  what: string,
  otherwise: string,
  authenticatorIn: (text: string) => Authenticator,
): Promise<Authenticator> {
  let usable = authenticatorIn(await readText(path, what));
  // The client would find out at every attempt to connect, and try again for ever.
  if (!provesItself(usable)) throw new StreamError("OPTION_INVALID", otherwise);
  return (nonce) => {
    const found = readAgain(path, authenticatorIn);
    if (found !== undefined && provesItself(found)) usable = found;
    return usable(nonce);
  };
}

/** A1 */
function readAgain(path: string, authenticatorIn: (text: string) => Authenticator): Authenticator | undefined {
  try {
    return authenticatorIn(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function provesItself(authenticator: Authenticator): boolean {
  try {
    const proof = authenticator("nonce");
    return typeof proof === "object" && "sig" in proof && proof.sig !== "";
  } catch {
    // What the client says of it may quote the file (A2).
    return false;
  }
}
