/**
 * What JetStream's error codes mean for us.
 *
 * Owns the table; the numbers are the server's (`server/errors.json`).
 */
import { type ErrorCode, StreamError } from "../errors.ts";
import type { ApiRefusal } from "./api.ts";

/** Codes that callers decide on. */
export const refusals = {
  streamNotFound: 10059,
  streamExistsOtherwise: 10058,
  messageNotFound: 10037,
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
  streamFull: 10077,
  messageTooLarge: 10054,
  /** JetStream system temporarily unavailable: the server does not know who leads. */
  unavailable: 10008,
  /** More replicas than one, and a server that is in no cluster. */
  notClustered: 10074,
  /** No suitable peers for placement: the cluster has fewer servers than replicas; or too few of them have room or are known, and then says so. */
  noPeers: 10005,
} as const;
const { noPeers } = refusals;

const unheard = /peer offline|miscellaneous issue/;
const unheardAdvice =
  "start the servers of the cluster that are away (one that is back is known within 10 s), or raise their max_ha_assets";

const meanings: Readonly<Record<number, ErrorCode>> = {
  [refusals.streamNotFound]: "NOT_FOUND",
  10014: "NOT_FOUND", // consumer not found
  [refusals.messageNotFound]: "NOT_FOUND",
  [refusals.streamFull]: "LOG_FULL",
  10002: "SERVER_FULL", // resource limits exceeded for account
  10023: "SERVER_FULL", // insufficient resources
  10027: "SERVER_FULL", // maximum number of streams reached
  10026: "SERVER_FULL", // maximum number of consumers reached
  10028: "SERVER_FULL", // insufficient memory resources available
  10047: "SERVER_FULL", // insufficient storage resources available
  10122: "SERVER_FULL", // stream max bytes exceeds account limit
  10039: "SERVER_UNSUITABLE", // JetStream not enabled for account
  10076: "SERVER_UNSUITABLE", // JetStream not enabled
  [refusals.streamExistsOtherwise]: "SERVER_UNSUITABLE",
  [noPeers]: "SERVER_UNSUITABLE",
  10052: "SERVER_UNSUITABLE", // stream configuration refused
  10065: "SERVER_UNSUITABLE", // subjects overlap with an existing stream
  [refusals.notClustered]: "SERVER_UNSUITABLE",
};

/**
 * Whether a cluster cannot place copies for now: whoever decides has not heard from one of its servers since the way to it broke ("peer offline"), or not at
 * all since it began itself ("miscellaneous issue", which a server at its limit of replicated streams is, too), or too many are away. Servers report every
 * 10 s, and are known again then (the server's `selectPeerGroup` and `remoteServerUpdate`).
 */
export function isUnheard({ err_code: code, description }: ApiRefusal): boolean {
  return code === noPeers && unheard.test(description);
}

/** The error for a refusal; what has no meaning of its own is taken as passing when the server blames itself, else as final. */
export function refusalError(what: string, refusal: ApiRefusal): StreamError {
  if (refusal.err_code === noPeers && refusal.description.includes("insufficient"))
    return new StreamError("SERVER_FULL", `${what}: ${refusal.description} (JetStream ${noPeers})`);
  if (isUnheard(refusal))
    return new StreamError("UNAVAILABLE", `${what}: ${refusal.description} (JetStream ${noPeers}): ${unheardAdvice}`);
  const code = meanings[refusal.err_code] ?? (refusal.code >= 500 ? "UNAVAILABLE" : "SERVER_UNSUITABLE");
  return new StreamError(code, `${what}: ${refusal.description} (JetStream ${refusal.err_code})`);
}

/**
 * The error for a message that was not taken. A store that is full now, of the account or the disk, is waited for, like a log that is full: what is refused
 * before a job begins would end it in the middle.
 */
export function appendRefusal(what: string, refusal: ApiRefusal): StreamError {
  const error = refusalError(what, refusal);
  if (error.code !== "SERVER_FULL") return error;
  const advice =
    "the store is full: make room (tidemark delete, max_file_store, the account's limit); it is waited for";
  return new StreamError("LOG_FULL", `${error.message}: ${advice}`, { cause: error });
}

/** Whether a log is at its own `max_bytes`; the same number stands for a store that fails. */
export function isAtItsLimit({ err_code: code, description }: ApiRefusal): boolean {
  return code === refusals.streamFull && description.includes("maximum");
}
