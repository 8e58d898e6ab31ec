/**
 * The events of the Nexmark benchmark are the same ones that another implementation of the formula makes.
 */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { nexmarkEvent, type NexmarkEvent } from "../../framework/scripts/nexmark.ts";

function lineOf(event: NexmarkEvent): string {
  if (event.type === "person") return `P|${Object.values(event.person).join("|")}\n`;
  if (event.type === "auction") return `A|${Object.values(event.auction).join("|")}\n`;
  return `B|${Object.values(event.bid).join("|")}\n`;
}

test("X1: the first 100,000 events have the digest of the reference, at 1,000 events per second", () => {
  const hash = createHash("sha256");
  for (let n = 0; n < 100_000; n += 1) hash.update(lineOf(nexmarkEvent(n, 1_000)));
  expect(hash.digest("hex")).toBe("ce834b90427cd9857d48865b3e6095cb7af3cf8c924d9afd069c181d746d6f9c");
});
