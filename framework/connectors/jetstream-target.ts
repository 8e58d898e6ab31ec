/**
 * The stream that a sink publishes into: which one it is, and whether rows can be stored there once.
 */
import { StreamError } from "../errors.ts";
import type { JetStreamApi } from "../nats/api.ts";
import { findStream, type ForeignStream, streamsTaking } from "../nats/foreign-stream.ts";

/** Where a sink's rows go. */
export interface JetStreamTarget {
  readonly subject: string;
  readonly stream?: string | undefined;
}

/** The stream that takes a sink's rows. @throws SERVER_UNSUITABLE with what to do; UNAVAILABLE, TIMEOUT, SERVER_REFUSED */
export async function findTarget(api: JetStreamApi, { subject, stream }: JetStreamTarget): Promise<ForeignStream> {
  const rows = `${subject}.*`;
  const name = stream ?? (await streamsTaking(api, rows))[0];
  const add = `nats stream add ${stream ?? subject.replaceAll(".", "-").toUpperCase()} --subjects '${rows}'`;
  if (name === undefined) throw unsuitable(`no stream takes ${rows}, to which the sink publishes: create one (${add})`);
  const found = await findStream(api, name);
  if (found === undefined) throw unsuitable(`there is no stream ${name} for the sink's rows: create it (${add})`);
  checkTarget(found, rows);
  return found;
}

/** What a successor reads must be what the predecessor has published, and an acknowledgement must come. */
function checkTarget({ config }: ForeignStream, rows: string): void {
  const { name, subjects = [], retention } = config;
  if (!subjects.some((pattern) => covers(pattern, rows)))
    throw unsuitable(
      `stream ${name} takes ${subjects.join(", ") || "nothing"}, not all of ${rows}: add that to its subjects`,
    );
  if (retention !== "limits")
    throw unsuitable(
      `stream ${name} has retention ${retention}: a successor must find the last row; use limits, and let a stream with ${retention} copy it`,
    );
  if (config.no_ack === true) throw unsuitable(`stream ${name} acknowledges nothing: turn no_ack off`);
  if (config.sealed === true) throw unsuitable(`stream ${name} is sealed: name another`);
  if (config.subject_transform !== undefined)
    throw unsuitable(`stream ${name} renames subjects: rows must be found under ${rows}; remove its subject_transform`);
}

function unsuitable(what: string): StreamError {
  return new StreamError("SERVER_UNSUITABLE", what);
}

/** Whether every subject that matches `subject` (which may end in a wildcard token) matches `pattern`. */
function covers(pattern: string, subject: string): boolean {
  const [wanted, given] = [subject.split("."), pattern.split(".")];
  for (const [at, token] of wanted.entries()) {
    if (given[at] === ">") return true;
    if (given[at] !== "*" && given[at] !== token) return false;
  }
  return given.length === wanted.length;
}
