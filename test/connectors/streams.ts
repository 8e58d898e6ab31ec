/**
 * Streams of somebody else on a real server: made, filled, cut and looked at with the client alone.
 */
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import type { ClusterAddress, EndHome } from "../../framework/log/ends.ts";
import type { Logger } from "../../framework/platform/platform.ts";
import type { NatsServer } from "../../framework/nats/server.ts";

/** A message as it is stored. */
export interface Stored {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: string;
  readonly headers: ReadonlyMap<string, string>;
}

interface StreamState {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly messages: number;
}

let streams = 0;

/** What a source or sink is told of a place on `server`, and what is logged there. */
export function homeOn(server: Pick<NatsServer, "url">): {
  readonly home: EndHome;
  readonly logged: readonly string[];
} {
  const logged: string[] = [];
  const logger: Logger = {
    log: (level, message) => {
      if (level === "warn" || level === "error") logged.push(message);
    },
    child: () => logger,
  };
  const cluster: ClusterAddress = { servers: server.url };
  return { home: { cluster, logger }, logged };
}

/** The owner of the streams. */
export class Outsider {
  readonly connection: NatsConnection;
  #sent = 0;

  constructor(connection: NatsConnection) {
    this.connection = connection;
  }

  static async on(server: Pick<NatsServer, "url">, login: { user?: string; pass?: string } = {}): Promise<Outsider> {
    const options = { servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...login };
    return new Outsider(await connect(options));
  }

  /** Calls the JetStream API, again when the server was killed meanwhile. @throws what it refuses with */
  async ask<T>(operation: string, body: object = {}, attempts = 5): Promise<T> {
    let answer;
    try {
      answer = await this.connection.request(`$JS.API.${operation}`, JSON.stringify(body), { timeout: 3_000 });
    } catch (error) {
      if (attempts > 1) return this.ask(operation, body, attempts - 1);
      throw error;
    }
    const parsed = answer.json<T & { readonly error?: { readonly description: string } }>();
    if (parsed.error !== undefined) throw new Error(`${operation}: ${parsed.error.description}`);
    return parsed;
  }

  /** Creates a stream with a name of its own; its subjects are the name and all below. */
  async make(config: object = {}): Promise<string> {
    streams += 1;
    const name = `S${streams}`;
    await this.create(name, config);
    return name;
  }

  async create(name: string, config: object = {}): Promise<void> {
    await this.ask(`STREAM.CREATE.${name}`, { name, subjects: [name, `${name}.>`], storage: "file", ...config });
  }

  /** Publishes and waits for each acknowledgement. */
  async publish(subject: string, ...payloads: readonly string[]): Promise<void> {
    for (const payload of payloads) await this.connection.request(subject, payload, { timeout: 5_000 });
  }

  /** Publishes and waits for the acknowledgement; again when the server was killed meanwhile, and stored once all the same. */
  async send(subject: string, payload: string): Promise<void> {
    const made = headers();
    this.#sent += 1;
    made.set("Nats-Msg-Id", String(this.#sent));
    for (;;) {
      try {
        await this.connection.request(subject, payload, { headers: made, timeout: 1_000 });
        return;
      } catch {
        // Not acknowledged: it may be stored or not.
      }
    }
  }

  async publishWith(subject: string, payload: string, given: Readonly<Record<string, string>>): Promise<void> {
    const made = headers();
    for (const [name, value] of Object.entries(given)) made.append(name, value);
    await this.connection.request(subject, payload, { headers: made, timeout: 5_000 });
  }

  /** Publishes `count` numbers from `first` on, as fast as it goes, to a stream of that name. */
  async publishMany(stream: string, count: number, first = 1): Promise<void> {
    const { last_seq: before } = await this.state(stream);
    for (let number = first; number < first + count; number += 1) {
      this.connection.publish(stream, String(number));
      if (number % 1_000 === 0) await this.connection.flush();
    }
    await this.connection.flush();
    while ((await this.state(stream)).last_seq < before + count);
  }

  async state(stream: string): Promise<StreamState> {
    return (await this.ask<{ readonly state: StreamState }>(`STREAM.INFO.${stream}`)).state;
  }

  async consumers(stream: string): Promise<readonly string[]> {
    const { consumers } = await this.ask<{ readonly consumers?: readonly string[] | null }>(`CONSUMER.NAMES.${stream}`);
    return consumers ?? [];
  }

  /** How far the consumers of a stream have come. */
  async delivered(stream: string): Promise<number> {
    let furthest = 0;
    for (const name of await this.consumers(stream)) {
      const { delivered } = await this.ask<{ readonly delivered: { readonly stream_seq: number } }>(
        `CONSUMER.INFO.${stream}.${name}`,
      );
      furthest = Math.max(furthest, delivered.stream_seq);
    }
    return furthest;
  }

  /** Removes single messages, as an owner may. */
  async remove(stream: string, ...sequences: readonly number[]): Promise<void> {
    for (const seq of sequences) await this.ask(`STREAM.MSG.DELETE.${stream}`, { seq });
  }

  /** Removes everything below `seq`, as limits do. */
  async trim(stream: string, seq: number): Promise<void> {
    await this.ask(`STREAM.PURGE.${stream}`, { seq });
  }

  /** Every message of a stream, in order. */
  async stored(stream: string): Promise<readonly Stored[]> {
    const { first_seq: first, last_seq: last } = await this.state(stream);
    const found: Stored[] = [];
    for (let sequence = Math.max(1, first); sequence <= last; sequence += 1) {
      const message = await this.#at(stream, sequence);
      if (message !== undefined) found.push(message);
    }
    return found;
  }

  async #at(stream: string, seq: number): Promise<Stored | undefined> {
    try {
      interface Answer {
        readonly message: { readonly subject: string; readonly data?: string; readonly hdrs?: string };
      }
      const { message } = await this.ask<Answer>(`STREAM.MSG.GET.${stream}`, { seq });
      const lines = Buffer.from(message.hdrs ?? "", "base64")
        .toString("utf8")
        .split("\r\n")
        .slice(1);
      const pairs = lines.filter(Boolean).map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      });
      const payload = Buffer.from(message.data ?? "", "base64").toString("utf8");
      return { sequence: seq, subject: message.subject, payload, headers: new Map(pairs) };
    } catch {
      return undefined;
    }
  }
}
