/**
 * Bytes of `InstanceId` (`protos/tidemark/instance.proto`): part of most messages.
 */
import type { InstanceId } from "../messages.ts";
import { integer, message } from "./message.ts";
import type { Message } from "./message.ts";

/** The message `InstanceId`. */
export const instanceId: Message<InstanceId> = message<InstanceId>("InstanceId", {
  stage: integer(1),
  partition: integer(2),
});
