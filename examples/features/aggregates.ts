/**
 * What can be computed over windows: several results at once, the records with the least and the most, a variance, the best few, what is distinct, and an
 * aggregate of one's own.
 *
 * node examples/features/aggregates.ts
 */
import { distinct, fromArray, job, maxBy, print, run, topN, tumbling, variance, type Aggregate } from "tidemark";

interface Sale {
  readonly at: number;
  readonly shop: string;
  readonly article: string;
  readonly euros: number;
}

const sales = fromArray<Sale>([
  { at: 1_000, shop: "north", article: "pen", euros: 2 },
  { at: 2_000, shop: "north", article: "ink", euros: 8 },
  { at: 3_000, shop: "north", article: "pen", euros: 2 },
  { at: 4_000, shop: "north", article: "desk", euros: 300 },
]);

/** The median: needs all numbers; two of them are put together for windows that share panes. */
const median: Aggregate<Sale, number[], number> = {
  create: () => [],
  add(all, { euros }) {
    all.push(euros);
    return all;
  },
  merge: (older, newer) => [...older, ...newer],
  result: (all) => all.toSorted((a, b) => a - b)[Math.floor((all.length - 1) / 2)] ?? Number.NaN,
};

const shops = job("aggregates");
const perMinute = shops
  .source("sales", sales)
  .timestamps((sale) => sale.at)
  .keyBy((sale) => sale.shop)
  .window(tumbling("1m"));

perMinute
  .aggregate((of) => ({ sales: of.count(), turnover: of.sum((s) => s.euros), mean: of.average((s) => s.euros) }))
  .map(({ value }) => value)
  .to(print("several at once"));
perMinute
  .aggregate(maxBy((sale) => sale.euros))
  .map(({ value }) => value.article)
  .to(print("the dearest"));
perMinute
  .aggregate(variance((sale) => sale.euros))
  .map(({ value }) => Math.round(value))
  .to(print("variance"));
perMinute
  .aggregate(topN(2, (sale) => sale.euros))
  .map(({ value }) => value.map((sale) => sale.euros))
  .to(print("the best two"));
perMinute
  .aggregate(distinct((sale) => sale.article))
  .map(({ value }) => value)
  .to(print("articles"));
perMinute
  .aggregate(median)
  .map(({ value }) => value)
  .to(print("median"));

export default shops;
if (import.meta.main) await run(shops);
