/**
 * Bytes of what is known of poison (`protos/tidemark/poison.proto`).
 */
import type { CrashSite, DroppedLetters, Settled, Skip, Suspect, Suspicion } from "../poison.ts";
import { instanceId } from "./instance-id.ts";
import { flag, integer, message, nested, optional, repeated, text } from "./message.ts";
import type { Message } from "./message.ts";

/** The message `CrashSite`. */
export const crashSite: Message<CrashSite> = message<CrashSite>("CrashSite", {
  sequence: integer(1),
  step: integer(2),
});

/** The message `Skip`. */
export const skip: Message<Skip> = message<Skip>("Skip", { sequence: integer(1), step: integer(2), reason: text(3) });

/** The message `Suspicion`. */
export const suspicion: Message<Suspicion> = message<Suspicion>("Suspicion", {
  deaths: integer(1),
  isOnProbation: flag(2),
  site: optional(nested(3, crashSite)),
  crashes: integer(4),
  skip: optional(nested(5, skip)),
});

const suspect = message<Suspect>("Suspect", {
  instance: nested(1, instanceId),
  epoch: integer(2),
  site: nested(3, crashSite),
  isCertain: flag(4),
});

/** The bytes of a suspect register. */
export function encodeSuspect(value: Suspect): Uint8Array {
  return suspect.encode(value);
}

/** The suspect in `bytes`. @throws CORRUPT */
export function decodeSuspect(from: Uint8Array): Suspect {
  return suspect.decode(from);
}

const settled = message<Settled>("Settled", { epochs: repeated(integer(1)) });

/** The bytes of the register of progress. */
export function encodeSettled(value: Settled): Uint8Array {
  return settled.encode(value);
}

/** The progress in `bytes`. @throws CORRUPT */
export function decodeSettled(from: Uint8Array): Settled {
  return settled.decode(from);
}

const droppedLetters = message<DroppedLetters>("DroppedLetters", { upTo: integer(1), numbers: repeated(text(2)) });

/** The bytes of what has been dropped. */
export function encodeDroppedLetters(value: DroppedLetters): Uint8Array {
  return droppedLetters.encode(value);
}

/** What has been dropped, in `bytes`. @throws CORRUPT */
export function decodeDroppedLetters(from: Uint8Array): DroppedLetters {
  return droppedLetters.decode(from);
}
