/**
 * What has come out of a simulated job besides its sinks: dead letters and late records, over all generations that count.
 *
 * Of the generation that the job is at the end they are read as users read them; of one before it up to the cut of the savepoint that was gone on from.
 */
import { followSideStream, type SideRecord } from "../../actor/side-stream.ts";
import type { Log } from "../../log/contracts.ts";
import { MemoryReader } from "../../log/memory-reader.ts";
import { decodeMessage, type Section } from "../../record/frame.ts";
import type { SideOutputs } from "./contract.ts";
import type { Cut } from "./cut.ts";
import type { GenerationOracles } from "./generation-oracles.ts";
import type { Generations } from "./generations.ts";
import type { SimulatedPlace } from "./place.ts";

/** Reads them; the job is over. */
export async function sideOutputs(place: SimulatedPlace, generations: Generations): Promise<SideOutputs> {
  const deadLetters: SideRecord[] = [];
  const late: SideRecord[] = [];
  const { lineage } = generations;
  for (const { of, cut } of lineage) {
    if (cut === undefined) {
      follow(place, of, of.names.deadLetters, deadLetters);
      follow(place, of, of.names.late, late);
    } else {
      deadLetters.push(...recordsUpTo(place, of, of.names.deadLetters, cut));
      late.push(...recordsUpTo(place, of, of.names.late, cut));
    }
  }
  let isRead = false;
  place.clock.schedule(10, () => void (isRead = true));
  await place.clock.until(() => isRead, 1_000);
  const excusedUpTo = (id: number) => Math.max(...lineage.map(({ of }) => of.excuses.excusedUpTo(id)));
  return { deadLetters, late, excusedUpTo };
}

function follow(place: SimulatedPlace, { plan }: GenerationOracles, name: string, into: SideRecord[]): void {
  const store = place.log(name);
  if (store === undefined) return;
  const read: Log["read"] = (options) => new MemoryReader(place.clock, store, () => store, options);
  followSideStream({ read } as Log, plan, 1, (record) => into.push(record));
}

function recordsUpTo(place: SimulatedPlace, of: GenerationOracles, name: string, cut: Cut): readonly SideRecord[] {
  const store = place.log(name);
  const records = new Map<string, SideRecord>();
  for (let sequence = store?.first ?? 1; sequence <= (store?.last ?? 0); sequence += 1) {
    const entry = store?.get(sequence);
    const message = entry && decodeMessage(entry.payload);
    if (message?.kind === "frame") for (const section of message.sections) note(of, section, cut, records);
  }
  return [...records.values()];
}

function note({ plan }: GenerationOracles, section: Section, cut: Cut, records: Map<string, SideRecord>): void {
  const { edge, from, first } = section;
  const { name = "", codec } = plan.edges[edge] ?? {};
  const { values, timestamps } = section.decode(codec);
  for (const [at, value] of values.entries()) {
    const timestamp = timestamps?.[at];
    if (first + at <= cut.saidOver(edge, from))
      records.set(`${edge} ${from} ${first + at}`, {
        edge: name,
        value,
        timestamp: Number.isNaN(timestamp) ? undefined : timestamp,
      });
  }
}
