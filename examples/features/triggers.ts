/**
 * When windows fire: early results while a window fills, the final one on time, updates for records that come late, each saying which it is; what comes too
 * late, as a stream; evictors.
 *
 * node examples/features/triggers.ts
 */
import { fromArray, job, keepLast, onTime, print, run, sum, tumbling } from "tidemark";

const orders = fromArray([
  { at: 1_000, shop: "north", euros: 10 },
  { at: 2_000, shop: "north", euros: 20 },
  { at: 3_000, shop: "north", euros: 30 },
  { at: 65_000, shop: "north", euros: 1 },
]);

const shops = job("triggers");
const byShop = shops
  .source("orders", orders)
  .timestamps((order) => order.at)
  .keyBy((order) => order.shop);

const turnover = byShop
  .window(tumbling("1m"))
  .trigger(onTime().withEarly({ count: 2 }))
  .allowedLateness("5m")
  .aggregate(
    sum((order) => order.euros),
    { fire: true },
  );
turnover.to(print("turnover"));
turnover.late().to(print("too late"));

byShop
  .window(tumbling("1m"))
  .evict(keepLast(2))
  .aggregate(sum((order) => order.euros))
  .to(print("of the last two"));

export default shops;
if (import.meta.main) await run(shops);
