/**
 * The stream that takes the results, and the verifier's eyes on it.
 *
 * Owns creating and reading it. Uses nothing of what is under test: neither the framework's readers nor its codecs; only the server's own means.
 */
import { connect, createInbox, type Msg, type NatsConnection } from "@nats-io/transport-node";
import type { StoredResult } from "./verdict.ts";

/** Where a sink publishes its results to, and the stream that keeps them. */
export const results = { subject: "results", stream: "RESULTS" } as const;

const batch = 2_000;
const batchMsMax = 5_000;
const callMsMax = 5_000;
const attemptsMax = 60;
const againMs = 500;

interface Described {
  readonly state: { readonly last_seq: number };
  readonly cluster?: { readonly leader?: string };
}

interface Listed {
  readonly config: { readonly name: string };
  readonly state: { readonly messages: number; readonly consumer_count: number };
}

/** What a job has left in the server. */
export interface Left {
  readonly streams: number;
  readonly consumers: number;
  readonly chunks: number;
}

interface Row {
  readonly key: number;
  readonly window: { readonly start: number };
  readonly value: { readonly n: number; readonly weight: number };
}

/** The results as they are stored. */
export class ResultsStream {
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  /** Connects to the servers and creates the stream. */
  static async create(servers: readonly string[], replicas: number): Promise<ResultsStream> {
    const options = { reconnectTimeWait: 100, maxReconnectAttempts: -1, name: "verifier" };
    const stream = new ResultsStream(await connect({ servers: [...servers], ...options }));
    const config = {
      name: results.stream,
      subjects: [`${results.subject}.*`],
      storage: "file",
      num_replicas: replicas,
      allow_direct: true,
      allow_atomic: true,
    };
    await repeated("create the results", () => stream.#call(`STREAM.CREATE.${results.stream}`, config));
    return stream;
  }

  /** Name of the server that leads a stream, as the servers say; undefined when they do not. */
  async leaderOf(stream: string): Promise<string | undefined> {
    try {
      return (await this.#call<Described>(`STREAM.INFO.${stream}`)).cluster?.leader;
    } catch {
      return undefined;
    }
  }

  /** How many results are stored; undefined when nobody says. */
  async count(): Promise<number | undefined> {
    try {
      return (await this.#call<Described>(`STREAM.INFO.${results.stream}`)).state.last_seq;
    } catch {
      return undefined;
    }
  }

  /** What the server keeps beside the results. */
  async left(): Promise<Left> {
    return repeated("list the streams", async () => {
      const { streams } = await this.#call<{ readonly streams?: readonly Listed[] | null }>("STREAM.LIST");
      const others = (streams ?? []).filter(({ config }) => config.name !== results.stream);
      const chunks = others.filter(({ config }) => config.name.endsWith("_CHUNKS"));
      return {
        streams: others.length,
        consumers: others.reduce((sum, { state }) => sum + state.consumer_count, 0),
        chunks: chunks.reduce((sum, { state }) => sum + state.messages, 0),
      };
    });
  }

  /** Every result, in the stream's order. @throws when the servers do not hand out all that they say the stream holds */
  async read(): Promise<readonly StoredResult[]> {
    const found: StoredResult[] = [];
    for (;;) {
      const isThrough = await repeated(`read the results behind ${found.length}`, async () => {
        const { state } = await this.#call<Described>(`STREAM.INFO.${results.stream}`);
        if (found.length >= state.last_seq) return true;
        const messages = await this.#next(found.length + 1);
        if (messages.length === 0) throw new Error(`the stream ends at ${state.last_seq}, and nothing comes`);
        for (const message of messages) found.push(resultOf(message, found.length + 1));
        return false;
      });
      if (isThrough) return found;
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #call<T extends object>(operation: string, body: object = {}): Promise<T> {
    const answer = await this.#connection.request(`$JS.API.${operation}`, JSON.stringify(body), { timeout: callMsMax });
    const value = answer.json<T & { readonly error?: { readonly description: string } }>();
    if (value.error !== undefined) throw new Error(value.error.description);
    return value;
  }

  async #next(from: number): Promise<readonly Msg[]> {
    const inbox = createInbox();
    const messages: Msg[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscription = this.#connection.subscribe(inbox, {
      callback: (_error, message) => {
        if (message.data.length === 0 && (message.headers?.code ?? 0) > 0) resolve();
        else messages.push(message);
      },
    });
    const late = setTimeout(resolve, batchMsMax);
    const request = JSON.stringify({ seq: from, batch });
    this.#connection.publish(`$JS.API.DIRECT.GET.${results.stream}`, request, { reply: inbox });
    await promise;
    clearTimeout(late);
    subscription.unsubscribe();
    return messages;
  }
}

async function repeated<T>(what: string, action: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (attempt === attemptsMax) throw new Error(`cannot ${what}`, { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}

function resultOf(message: Msg, expected: number): StoredResult {
  const sequence = Number(message.headers?.get("Nats-Sequence"));
  if (sequence !== expected) throw new Error(`message ${sequence} came instead of ${expected}`);
  const { key, window, value } = message.json<Row>();
  const storedMs = Date.parse(message.headers?.get("Nats-Time-Stamp") ?? "");
  return { key, startMs: window.start, count: value.n, weight: value.weight, storedMs };
}
