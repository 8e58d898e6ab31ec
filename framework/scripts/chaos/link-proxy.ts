/**
 * A network that can be bad: a TCP proxy on loopback between one client and one server.
 *
 * Owns the connections that pass through it, and what is wrong with them. What is sent while a link is mute arrives when it speaks again, as TCP sends
 * again what was lost; a connection that is cut is gone, with whatever was under way.
 *
 * X1. Bytes of one connection and direction arrive in order, or not at all.
 */
import { once } from "node:events";
import { createServer, type Server, Socket } from "node:net";

/** What a link does to bytes. */
type Mood =
  | { readonly kind: "clear" }
  /** Each piece takes so much longer. */
  | { readonly kind: "slow"; readonly delayMs: number; readonly jitterMs: number }
  /** Nothing arrives, and nobody is told. */
  | { readonly kind: "mute" }
  /** Connections are refused. */
  | { readonly kind: "cut" };

const clear: Mood = { kind: "clear" };

/** Opens a proxy in front of `port`. */
export async function openLinkProxy(port: number): Promise<LinkProxy> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return new LinkProxy(server, port);
}

/** A link. Made by {@link openLinkProxy}. */
export class LinkProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #pipes = new Set<Pipe>();
  #mood: Mood = clear;

  constructor(server: Server, targetPort: number) {
    const address = server.address();
    this.port = typeof address === "object" && address !== null ? address.port : 0;
    this.#server = server;
    this.#targetPort = targetPort;
    server.on("connection", (client) => this.#accept(client));
  }

  get connections(): number {
    return this.#pipes.size / 2;
  }

  /** Everything that was held back goes on. */
  clear(): void {
    this.#mood = clear;
    for (const pipe of this.#pipes) pipe.flow();
  }

  slow(delayMs: number, jitterMs = 0): void {
    this.#mood = { kind: "slow", delayMs, jitterMs };
  }

  /** Half-open: both ends believe that the other one is there. */
  mute(): void {
    this.#mood = { kind: "mute" };
  }

  /** Ends every connection and refuses new ones, until {@link LinkProxy.clear}. */
  cut(): void {
    this.#mood = { kind: "cut" };
    this.drop();
  }

  /** Ends every connection; new ones are taken. */
  drop(): void {
    for (const pipe of this.#pipes) pipe.destroy();
  }

  /** Ends each connection in the midst of the next piece that passes. */
  tear(): void {
    for (const pipe of this.#pipes) pipe.tear();
  }

  async close(): Promise<void> {
    this.drop();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    client.on("error", () => undefined);
    if (this.#mood.kind === "cut") return void client.destroy();
    const target = new Socket().on("error", () => undefined).connect(this.#targetPort, "127.0.0.1");
    const mood = () => this.#mood;
    const pipes = [new Pipe(client, target, mood), new Pipe(target, client, mood)];
    for (const pipe of pipes) this.#pipes.add(pipe);
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      socket.on("close", () => {
        for (const pipe of pipes) {
          pipe.destroy();
          this.#pipes.delete(pipe);
        }
      });
    }
  }
}

/** One direction of one connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #mood: () => Mood;
  /** In order (X1); those of a slow link are due at a time. */
  readonly #held: { readonly piece: Buffer; readonly dueMs: number }[] = [];
  #wake: NodeJS.Timeout | undefined;
  #isTearing = false;

  constructor(from: Socket, to: Socket, mood: () => Mood) {
    this.#from = from;
    this.#to = to;
    this.#mood = mood;
    from.on("data", (piece: Buffer) => this.#take(piece));
    to.on("drain", () => from.resume());
  }

  /** Passes on what may pass. */
  flow(): void {
    clearTimeout(this.#wake);
    this.#wake = undefined;
    if (this.#mood().kind === "mute") return;
    const isSlow = this.#mood().kind === "slow";
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      const waitMs = first.dueMs - performance.now();
      if (isSlow && waitMs > 0) {
        this.#wake = setTimeout(() => this.flow(), waitMs);
        return;
      }
      this.#held.shift();
      this.#pass(first.piece);
    }
  }

  tear(): void {
    this.#isTearing = true;
  }

  destroy(): void {
    clearTimeout(this.#wake);
    this.#held.length = 0;
    this.#from.destroy();
    this.#to.destroy();
  }

  #take(piece: Buffer): void {
    const mood = this.#mood();
    if (mood.kind === "clear" && this.#held.length === 0) return this.#pass(piece);
    const delayMs = mood.kind === "slow" ? mood.delayMs + Math.random() * mood.jitterMs : 0;
    this.#held.push({ piece, dueMs: performance.now() + delayMs });
    if (this.#wake === undefined) this.flow();
  }

  #pass(piece: Buffer): void {
    if (this.#isTearing && piece.length > 1) {
      this.#to.end(piece.subarray(0, piece.length >> 1), () => this.destroy());
      this.#isTearing = false;
      return;
    }
    if (!this.#to.write(piece)) this.#from.pause();
  }
}
