/**
 * The bus on core NATS.
 *
 * Owns nothing; what is published while the connection is down is lost, as the contract says it may be.
 */
import { errors } from "@nats-io/nats-core";
import { StreamError } from "../errors.ts";
import type { Bus, Reply, Unsubscribe } from "../log/contracts.ts";
import { requestError } from "./api.ts";
import { guarded, type Link } from "./link.ts";
import { plainBytes } from "./stored-message.ts";

/** A bus over one connection. */
export class NatsBus implements Bus {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  publish(subject: string, payload: Uint8Array): void {
    if (this.#link.isUp) this.#link.connection.publish(subject, payload);
  }

  subscribe(
    subject: string,
    onMessage: (payload: Uint8Array, reply: Reply | undefined, subject: string) => void,
  ): Unsubscribe {
    const subscription = this.#link.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return;
        const answerTo = message.reply;
        const reply = answerTo ? (payload: Uint8Array): void => this.publish(answerTo, payload) : undefined;
        guarded(() => onMessage(plainBytes(message.data), reply, message.subject));
      },
    });
    return () => subscription.unsubscribe();
  }

  async request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    await this.#link.untilUp(timeoutMs);
    try {
      const answer = await this.#link.connection.request(subject, payload, { timeout: timeoutMs });
      return plainBytes(answer.data);
    } catch (error) {
      const isUnheard = error instanceof errors.RequestError && error.isNoResponders();
      if (isUnheard) throw new StreamError("NO_RESPONDERS", `nobody listens on ${subject}`, { cause: error });
      throw requestError(error, subject);
    }
  }
}
