/**
 * Bytes of `Counts` (`protos/tidemark/instance.proto`): part of reports and manifests.
 */
import type { Counts } from "../messages.ts";
import { integer, message } from "./message.ts";
import type { Message } from "./message.ts";

/** The message `Counts`. */
export const counts: Message<Counts> = message<Counts>("Counts", {
  recordsIn: integer(1),
  recordsOut: integer(2),
  late: integer(3),
  deadLetters: integer(4),
  windowsOut: integer(5),
});
