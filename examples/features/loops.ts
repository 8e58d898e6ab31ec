/**
 * A loop: what has failed is tried again, up to three times; what is left comes out with the number of its tries.
 *
 * node examples/features/loops.ts
 */
import { fromArray, job, print, run, tumbling, count } from "tidemark";

interface Parcel {
  readonly id: string;
  readonly at: number;
  readonly tries: number;
  /** Nobody is at home before the door has been knocked at so often. */
  readonly opensAfter: number;
}

const parcels = fromArray<Parcel>([
  { id: "a", at: 0, tries: 0, opensAfter: 1 },
  { id: "b", at: 1_000, tries: 0, opensAfter: 3 },
  { id: "c", at: 2_000, tries: 0, opensAfter: 9 },
]);

const post = job("loops");
const again = post.feedback<Parcel>("again");
const tried = post
  .source("parcels", parcels)
  .timestamps((parcel) => parcel.at)
  .union(again)
  .keyBy((parcel) => parcel.id)
  .process({ process: (parcel: Parcel) => [{ ...parcel, tries: parcel.tries + 1 }] })
  .named("deliver");

const { failed, delivered, returned } = tried.split({
  failed: (p) => p.tries < p.opensAfter && p.tries < 3,
  delivered: (p) => p.tries >= p.opensAfter,
  returned: (p) => p.tries < p.opensAfter && p.tries >= 3,
});
failed.to(again);

delivered.map((p) => `${p.id} after ${p.tries}`).to(print("delivered"));
returned.map((p) => p.id).to(print("returned"));
delivered.windowAll(tumbling("1m")).aggregate(count()).to(print("delivered in a minute"));

export default post;
if (import.meta.main) await run(post);
