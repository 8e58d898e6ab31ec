/**
 * What the bus does: ephemeral messages, and requests that know at once when nobody listens.
 */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { newJob, type Place } from "./place.ts";

/** The suite of buses. */
export function describeBus(place: Place): void {
  describe(`bus (${place.name})`, () => {
    test("subscribers of a subject hear what is published, the publisher included, in order", () =>
      place.run(async (seams) => {
        const subject = `tm.${newJob()}.1.workers`;
        const heard: number[] = [];
        const stop = seams.bus.subscribe(subject, (payload) => void heard.push(payload[0] ?? 0));
        for (const value of [1, 2, 3]) seams.bus.publish(subject, Uint8Array.of(value));
        expect(heard).toEqual([]);
        await until("three are heard", () => heard.length === 3);
        expect(heard).toEqual([1, 2, 3]);
        stop();
      }));

    test("a subscription that ends in > hears every subject below, and says which", () =>
      place.run(async (seams) => {
        const job = newJob();
        const heard: string[] = [];
        seams.bus.subscribe(`tm.${job}.>`, (_payload, _reply, subject) => void heard.push(subject));
        const subjects = [`tm.${job}.1.workers`, `tm.${job}.2`];
        for (const subject of [`tm.${job}`, `tm.${job}x.1`, ...subjects]) seams.bus.publish(subject, new Uint8Array(1));
        await until("two are heard", () => heard.length === 2);
        expect(heard).toEqual(subjects);
      }));

    test("who has unsubscribed hears nothing", () =>
      place.run(async (seams) => {
        const subject = `tm.${newJob()}.1.workers`;
        const [gone, there]: [number[], number[]] = [[], []];
        const stop = seams.bus.subscribe(subject, (payload) => void gone.push(payload.length));
        seams.bus.subscribe(subject, (payload) => void there.push(payload.length));
        stop();
        stop();
        seams.bus.publish(subject, new Uint8Array(1));
        await until("the other one hears it", () => there.length === 1);
        expect(gone).toEqual([]);
      }));

    test("a request gets its answer; a publication asks for none", () =>
      place.run(async (seams) => {
        const subject = `tm.${newJob()}.1.leader`;
        const asked: boolean[] = [];
        seams.bus.subscribe(subject, (payload, reply) => {
          asked.push(reply !== undefined);
          reply?.(Uint8Array.of((payload[0] ?? 0) + 1));
        });
        expect(await seams.bus.request(subject, Uint8Array.of(41), 2_000)).toEqual(Uint8Array.of(42));
        seams.bus.publish(subject, new Uint8Array(1));
        await until("both are heard", () => asked.length === 2);
        expect(asked).toEqual([true, false]);
      }));

    test("a request on a subject without a subscriber fails at once", () =>
      place.run(async (seams) => {
        const request = seams.bus.request(`tm.${newJob()}.1.leader`, new Uint8Array(1), 20_000);
        await expect(request).rejects.toMatchObject({ code: "NO_RESPONDERS" });
      }));

    test("a request that nobody answers times out", () =>
      place.run(async (seams) => {
        const subject = `tm.${newJob()}.1.leader`;
        seams.bus.subscribe(subject, () => {});
        await expect(seams.bus.request(subject, new Uint8Array(1), 50)).rejects.toMatchObject({ code: "TIMEOUT" });
      }));

    test("a payload's buffer may be reused after the task and its microtasks", () =>
      place.run(async (seams) => {
        const subject = `tm.${newJob()}.1.workers`;
        const heard: number[] = [];
        seams.bus.subscribe(subject, (payload) => void heard.push(payload[0] ?? 0));
        const buffer = Buffer.from([1]);
        seams.bus.publish(subject, buffer);
        await new Promise((resolve) => setImmediate(resolve));
        buffer.fill(9);
        await until("it is heard", () => heard.length === 1);
        expect(heard).toEqual([1]);
      }));
  });
}
