/**
 * What is said while a server is away, and why it is.
 *
 * Owns the words and when they come. The client tries for ever and keeps its reasons to itself; so while the link stays down a connection of our own is
 * tried now and then, whose failure says what somebody may have to mend: credentials that have expired, a certificate, a server that is not there.
 *
 * O1. One line when the link goes, one when it is back, and in between one for each new reason, and for the same one every five minutes.
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Logger } from "../platform/platform.ts";
import type { Link } from "./link.ts";

/** How long a link is down before the reason is looked for, and how often again. */
const firstLookMs = 2_000;
const lookMs = 5_000;
const sameAgainMs = 300_000;

/** Tells `logger` of the link's outages. @param tryOut makes and closes a connection of its own, or throws why it cannot */
export function reportOutages(link: Link, logger: Logger, server: string, tryOut: () => Promise<void>): void {
  let lookAtMs: number | undefined;
  let said: { readonly reason: string; readonly atMs: number } | undefined;
  let isDown = false;

  const look = async (nowMs: number): Promise<void> => {
    try {
      await tryOut();
    } catch (error) {
      const reason = messageOf(error);
      const isNews = said?.reason !== reason || nowMs - said.atMs > sameAgainMs;
      if (!isDown || !isNews) return;
      said = { reason, atMs: nowMs };
      logger.log("error", "no connection to the NATS server yet", {
        server,
        code: StreamError.is(error) ? error.code : undefined,
        reason,
      });
    }
  };

  link.onEvent((event) => {
    isDown = event === "disconnected";
    said = undefined;
    lookAtMs = undefined;
    const what = isDown ? "is lost; trying again" : "is back";
    logger.log("warn", `the connection to the NATS server ${what}`, { server });
  });
  link.onWatch((nowMs) => {
    if (!isDown) return;
    lookAtMs ??= nowMs + firstLookMs;
    if (nowMs < lookAtMs) return;
    lookAtMs = nowMs + lookMs;
    void look(nowMs);
  });
}
