/**
 * Where the cluster is, as flags of a command: the same on every command that speaks to one.
 */
import type { Command } from "commander";
import { embedded, type Home } from "../home.ts";
import { nats } from "../home-nats.ts";
import { defaultHome } from "../run.ts";

/** What the flags come to. */
export interface ConnectionFlags {
  readonly nats?: string;
  readonly creds?: string;
  readonly embedded?: boolean;
}

/** Adds the flags to a command. */
export function withConnection(command: Command): Command {
  return command
    .option("--nats <url>", "the NATS cluster (or TIDEMARK_NATS)")
    .option("--creds <file>", "credentials file (or TIDEMARK_CREDS)");
}

/** The home that the flags, or else the environment, ask for. */
export function homeOf(flags: ConnectionFlags): Home {
  if (flags.embedded === true) return embedded();
  return flags.nats === undefined ? defaultHome() : nats({ servers: flags.nats, credentials: flags.creds });
}
