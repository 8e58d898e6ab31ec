/**
 * Bytes of what workers and the leader say about themselves (`protos/tidemark/presence.proto`).
 */
import type { StarterPresence } from "../fleet-records.ts";
import type { Announcement, Heartbeat } from "../messages.ts";
import { double, flag, integer, message, repeated, text } from "./message.ts";

const announcement = message<Announcement>("Announcement", {
  worker: text(1),
  load: integer(2),
  isLeaving: flag(3),
  host: text(4),
  processId: integer(5),
  nowMs: double(6),
  settled: repeated(integer(7)),
  capacity: double(8),
  zone: text(9),
  loopShare: double(10),
  unstoredMs: integer(11),
  isWarming: flag(12),
});

const starterPresence = message<StarterPresence>("StarterPresence", {
  starter: text(1),
  host: text(2),
  processId: integer(3),
  workers: integer(4),
});

const heartbeat = message<Heartbeat>("Heartbeat", { leader: integer(1), worker: text(2), loopRound: integer(3) });

/** The bytes of a worker's announcement. */
export function encodeAnnouncement(value: Announcement): Uint8Array {
  return announcement.encode(value);
}

/** The announcement in `bytes`. @throws CORRUPT */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  return announcement.decode(bytes);
}

/** The bytes of the leader's heartbeat. */
export function encodeHeartbeat(value: Heartbeat): Uint8Array {
  return heartbeat.encode(value);
}

/** The heartbeat in `bytes`. @throws CORRUPT */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  return heartbeat.decode(bytes);
}

/** The bytes of a starter's presence. */
export function encodeStarterPresence(value: StarterPresence): Uint8Array {
  return starterPresence.encode(value);
}

/** The presence of a starter in `bytes`. @throws CORRUPT */
export function decodeStarterPresence(bytes: Uint8Array): StarterPresence {
  return starterPresence.decode(bytes);
}
