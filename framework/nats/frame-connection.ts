/**
 * The connection for frames: the client as it is, reading into a few large buffers that are used again and again.
 *
 * Owns those buffers. Node gives every read a fresh 64 KiB buffer, and the client copies each message that spans two; with frames of 32 KiB and more that is
 * most of what a frame costs. What belongs to the client's inside (protocol handler, transport) is touched in this file only; its version is pinned.
 *
 * X1. A payload is valid only within the subscription's callback: subscribers on this connection copy what they keep, and nobody iterates or requests on
 *     it. A read is parsed in the microtasks after it, before the next one; {@link ringSize} buffers are a margin.
 * X2. No other connection gets this transport: the client's factory is global, so it is set and put back within one synchronous call.
 * X3. TLS works as ever: then the sockets are the client's own.
 */
import { connect as connectSocket, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectionOptions, NatsConnection, ServerInfo } from "@nats-io/nats-core";
import {
  extractProtocolMessage,
  INFO,
  NatsConnectionImpl,
  ProtocolHandler,
  setTransportFactory,
  type TransportFactory,
} from "@nats-io/nats-core/internal";
import { nodeResolveHost, NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";

/** Bytes of one read at most. */
const bufferBytes = 512 * 1024;

/** Buffers in turn. */
const ringSize = 4;

/** Connects like the client's `connect`, with buffers of our own. */
export async function connectForFrames(options: ConnectionOptions): Promise<NatsConnection> {
  const connection = Reflect.construct(NatsConnectionImpl, [options]) as NatsConnectionImpl;
  setTransportFactory(stockTransport);
  const protocol = new ProtocolHandler(connection.options, connection);
  const inside = protocol as unknown as { prepare: () => unknown };
  const prepare = inside.prepare.bind(protocol);
  inside.prepare = () => withFrameTransport(prepare);
  connection.protocol = protocol;
  await protocol.dialLoop();
  return connection as NatsConnection;
}

/** Runs what makes a transport, before each dial (X2). */
function withFrameTransport<T>(prepare: () => T): T {
  setTransportFactory(frameTransport);
  try {
    return prepare();
  } finally {
    setTransportFactory(stockTransport);
  }
}

const stockTransport: TransportFactory = { factory: () => new NodeTransport(), dnsResolveFn: nodeResolveHost };
const frameTransport: TransportFactory = { factory: () => new FrameTransport(), dnsResolveFn: nodeResolveHost };

interface HostPort {
  readonly hostname: string;
  readonly port: number;
}

class FrameTransport extends NodeTransport {
  /** Whether the socket reads into the ring. */
  #isPlain = false;
  #host: HostPort = { hostname: "", port: 0 };
  #onInfo: ((info: ServerInfo) => void) | undefined;

  override dial(host: HostPort): Promise<Socket> {
    this.#isPlain = true;
    this.#host = host;
    const ring = new ReadRing();
    return new Promise((resolve, reject) => {
      const onread = {
        buffer: () => ring.next(),
        callback: (length: number, buffer: Uint8Array) => {
          this.#read(buffer.subarray(0, length));
          return true;
        },
      };
      const socket = connectSocket({ host: host.hostname, port: host.port, noDelay: true, onread }, () => {
        socket.removeAllListeners();
        resolve(socket);
      });
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed")));
    });
  }

  override peekInfo(): Promise<ServerInfo> {
    if (!this.#isPlain) return super.peekInfo();
    return new Promise((resolve, reject) => {
      const fail = (error?: Error): void => reject(error ?? new Error("the connection was closed"));
      this.socket.once("error", fail);
      this.socket.once("close", fail);
      this.#onInfo = (info) => {
        this.socket.removeAllListeners();
        resolve(info);
      };
      this.#findInfo(fail);
    });
  }

  /** The server asks for TLS: begins again, with a socket that can do it. */
  override async startTLS(): Promise<TLSSocket> {
    if (this.#isPlain) {
      this.socket.destroy();
      this.#isPlain = false;
      this.yields = [];
      this.socket = await super.dial(this.#host);
      await super.peekInfo();
    }
    return super.startTLS();
  }

  override setupHandlers(): void {
    super.setupHandlers();
    // What the client's handler for data does is done by `#read`.
    if (this.#isPlain) this.socket.removeAllListeners("data");
  }

  /** Until the server has introduced itself, what arrives is kept, and so copied. */
  #read(bytes: Uint8Array): void {
    if (this.connected) {
      this.yields.push(bytes);
      this.signal.resolve();
      return;
    }
    this.yields.push(new Uint8Array(bytes));
    this.#findInfo((error) => this.socket.destroy(error));
  }

  #findInfo(onNonsense: (error: Error) => void): void {
    const line = extractProtocolMessage(Buffer.concat(this.yields));
    if (line === "" || this.#onInfo === undefined) return;
    const found = INFO.exec(line)?.[1];
    const onInfo = this.#onInfo;
    this.#onInfo = undefined;
    if (found === undefined) onNonsense(new Error("this is no NATS server"));
    else onInfo(JSON.parse(found) as ServerInfo);
  }
}

/** Buffers in turn, made when first needed. */
class ReadRing {
  readonly #buffers: Buffer[] = [];
  #reads = 0;

  next(): Buffer {
    const place = this.#reads++ % ringSize;
    return (this.#buffers[place] ??= Buffer.allocUnsafeSlow(bufferBytes));
  }
}
