/**
 * The Bus as one process has it: what it hears may be lost, doubled or late, and it may be cut off.
 *
 * SB1. Faults are of the hearing: of two processes one may have heard a message, and the other not.
 */
import { StreamError } from "../../errors.ts";
import type { Bus } from "../../log/contracts.ts";
import type { Connection } from "./connection.ts";

const lateMsMax = 5_000;
const twiceMsMax = 3_000;

/** The bus. */
export function simulatedBus(connection: Connection): Bus {
  const { place } = connection;
  const { bus } = place;
  const isUnheard = (subject: string) => connection.isCut || connection.strikes("busLost", subject);
  return {
    publish: (subject, payload) => {
      if (!connection.isCut) place.publish(subject, payload);
    },
    subscribe: (subject, onMessage) =>
      bus.subscribe(subject, (payload, reply, of) => {
        const { dice } = connection;
        if (isUnheard(of)) return;
        if (connection.strikes("busTwice", of))
          connection.later(dice.of("busTwice").below(twiceMsMax), () => onMessage(payload, undefined, of));
        if (connection.strikes("busLate", of))
          connection.later(1 + dice.of("busLate").below(lateMsMax), () => onMessage(payload, reply, of));
        else onMessage(payload, reply, of);
      }),
    request: (subject, payload, timeoutMs) => {
      if (!isUnheard(subject)) return bus.request(subject, payload, timeoutMs);
      return new Promise((_resolve, reject) =>
        connection.later(timeoutMs, () => reject(new StreamError("TIMEOUT", `no answer on ${subject}`))),
      );
    },
  };
}
