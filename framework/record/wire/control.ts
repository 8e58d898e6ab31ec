/**
 * Bytes of the controls in inboxes (`protos/tidemark/control.proto`), without the checksum that `frame.ts` puts before them.
 */
import type {
  CallResult,
  ChannelFloor,
  Control,
  EpochStart,
  Redelivery,
  Refusal,
  Results,
  WatermarkControl,
} from "../messages.ts";
import { instanceId } from "./instance-id.ts";
import { bytes, double, flag, integer, message, nested, positive, repeated, text, union } from "./message.ts";
import type { Message } from "./message.ts";

const channelFloor = message<ChannelFloor>("ChannelFloor", { edge: integer(1), last: integer(2) });

const epochStart = message<Omit<EpochStart, "kind">>("EpochStart", {
  instance: nested(1, instanceId),
  epoch: integer(2),
  floors: repeated(nested(3, channelFloor)),
});

const watermark = message<Omit<WatermarkControl, "kind">>("Watermark", {
  edge: integer(1),
  leader: integer(2),
  upto: integer(3),
  watermark: double(4),
  isIdle: flag(5),
  n: integer(6),
  drains: positive(7),
});

const tick = message<object>("Tick", {});

const refusal = message<Omit<Refusal, "kind">>("Refusal", {
  sink: text(1),
  number: integer(2),
  reason: text(3),
  value: bytes(4),
  timestamp: double(5),
});

const callResult = message<CallResult>("CallResult", {
  sequence: integer(1),
  ordinal: integer(2),
  value: bytes(3),
  code: text(4),
  reason: text(5),
  stack: text(6),
});

const results = message<Omit<Results, "kind">>("Results", { results: repeated(nested(1, callResult)) });

const redelivery = message<Omit<Redelivery, "kind">>("Redelivery", {
  letter: integer(1),
  edge: integer(2),
  value: bytes(3),
  timestamp: double(4),
});

const variants = {
  epochStart: { number: 3, message: epochStart },
  watermark: { number: 4, message: watermark },
  tick: { number: 5, message: tick },
  refusal: { number: 6, message: refusal },
  results: { number: 7, message: results },
  redelivery: { number: 8, message: redelivery },
} as const;

const control: Message<Control> = union<Control>("InboxMessage", variants);

/** Numbers of the fields of `InboxMessage` that hold controls. */
export const controlFields: ReadonlySet<number> = new Set(Object.values(variants).map(({ number }) => number));

/** The field of `InboxMessage` that holds this control. */
export function encodeControlBody(value: Control): Uint8Array {
  return control.encode(value);
}

/** The control in an `InboxMessage` without its checksum. @throws CORRUPT */
export function decodeControlBody(body: Uint8Array): Control {
  return control.decode(body);
}
