/**
 * NATS contexts: connections that the command `nats` keeps under a name.
 *
 * Owns the place of the files and their meaning. What the user says himself beats what the context says; that is decided in `address.ts`.
 *
 * X1. A context is used only when it is named; the one that `nats context select` has chosen only as {@link selectedContext}.
 * X2. A field that is set and cannot be kept is refused: a connection that ignores half of what it was told is worse than none.
 * X3. No message contains a value of a context.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { StreamError } from "../errors.ts";
import { readText, type NatsTls } from "./tls-files.ts";

/** Names the context that `nats context select` has chosen. */
export const selectedContext: string = "@selected";

/** What a context says, where it says something. */
export interface NatsContext {
  readonly servers: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** Path of a credentials file. */
  readonly credentials: string | undefined;
  /** Path of a file with the seed of an nkey. */
  readonly nkey: string | undefined;
  /** A user's JWT, and the seed that signs for it. */
  readonly userJwt: string | undefined;
  readonly userSeed: string | undefined;
  readonly tls: NatsTls | undefined;
  readonly inboxPrefix: string | undefined;
  readonly domain: string | undefined;
  readonly apiPrefix: string | undefined;
}

const kept = new Set(
  (
    "url user password token creds nkey user_jwt user_seed ca cert key tls_first " +
    "inbox_prefix jetstream_domain jetstream_api_prefix"
  ).split(" "),
);
/** They say nothing of a connection, or nothing of what Tidemark uses one for. */
const unneeded = new Set(["description", "color_scheme", "name", "jetstream_event_prefix"]);
/** What is to be done about a field that is not kept, where there is something better to say than to go without the context. */
const advice: Readonly<Record<string, string>> = {
  socks_proxy:
    "connections through a SOCKS proxy cannot be made: let a leaf node near by connect through it, or name a server that is reached directly",
  nsc: "export the credentials (nsc generate creds) and name the file as creds",
};

/** Reads the context called `name`. @throws PATH_UNUSABLE when there is none; OPTION_INVALID when it makes no sense or asks for what is not supported */
export async function readContext(name: string, environment: NodeJS.ProcessEnv = process.env): Promise<NatsContext> {
  const home = environment["XDG_CONFIG_HOME"] || join(environment["HOME"] ?? homedir(), ".config");
  const directory = join(home, "nats");
  const chosen = name === selectedContext ? await selectedIn(directory) : name;
  if (chosen === "" || /[/\\]|\.\./.test(chosen))
    throw new StreamError("OPTION_INVALID", `${JSON.stringify(chosen)} is no name of a NATS context`);
  const path = join(directory, "context", `${chosen}.json`);
  const fields = parse(await readText(path, `NATS context ${chosen}:`), path);
  refuseWhatIsNotKept(fields, path);
  return contextOf(fields, environment);
}

async function selectedIn(directory: string): Promise<string> {
  return (await readText(join(directory, "context.txt"), "no NATS context is selected:")).trim();
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string, path: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  } catch {
    // The message of the parser quotes the text, which may hold a password.
  }
  throw new StreamError("OPTION_INVALID", `NATS context ${path} is no JSON object: nats context validate`);
}

function refuseWhatIsNotKept(fields: Fields, path: string): void {
  for (const [field, value] of Object.entries(fields)) {
    const isSet = value !== "" && value !== null && value !== false && value !== 0;
    if (!isSet || unneeded.has(field)) continue;
    if (!kept.has(field)) {
      throw new StreamError(
        "OPTION_INVALID",
        `NATS context ${path} sets ${field}, which is not supported: ${advice[field] ?? "name the server and credentials without the context"}`,
      );
    }
    if (typeof value === "string" || field === "tls_first") continue;
    throw new StreamError("OPTION_INVALID", `NATS context ${path}: ${field} is no text`);
  }
}

function contextOf(fields: Fields, environment: NodeJS.ProcessEnv): NatsContext {
  const text = (field: string) => (typeof fields[field] === "string" ? fields[field] || undefined : undefined);
  const path = (field: string) => text(field)?.replace(/^~(?=\/)/, environment["HOME"] ?? homedir());
  const tls = { ca: path("ca"), cert: path("cert"), key: path("key"), handshakeFirst: fields["tls_first"] === true };
  const hasTls = tls.ca !== undefined || tls.cert !== undefined || tls.key !== undefined || tls.handshakeFirst;
  return {
    servers: text("url"),
    user: text("user"),
    password: text("password"),
    token: text("token"),
    credentials: path("creds"),
    nkey: path("nkey"),
    tls: hasTls ? tls : undefined,
    userJwt: text("user_jwt"),
    userSeed: text("user_seed"),
    inboxPrefix: text("inbox_prefix"),
    domain: text("jetstream_domain"),
    apiPrefix: text("jetstream_api_prefix"),
  };
}
