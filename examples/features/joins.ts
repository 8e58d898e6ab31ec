/**
 * Two streams joined: orders with the payments that come within the hour, also those that nobody pays; clicks and views of one visit; orders and returns
 * of one hour, shop by shop.
 *
 * node examples/features/joins.ts
 */
import { fromArray, job, print, run, session, tumbling } from "tidemark";

const minute = 60_000;

const shop = job("joins");
const orders = shop
  .source(
    "orders",
    fromArray([
      { id: "a", shop: "north", at: 0 },
      { id: "b", shop: "north", at: 10 * minute },
      { id: "c", shop: "south", at: 70 * minute },
    ]),
  )
  .timestamps((order) => order.at);
const payments = shop
  .source(
    "payments",
    fromArray([
      { order: "a", euros: 30, at: 5 * minute },
      { order: "b", euros: 20, at: 75 * minute },
      { order: "c", euros: 10, at: 80 * minute },
    ]),
  )
  .timestamps((payment) => payment.at);

const paid = orders
  .keyBy((order) => order.id)
  .intervalJoin(
    payments.keyBy((payment) => payment.order),
    { lower: 0, upper: "1h", bounds: "[)", type: "left" },
  )
  .select((order, payment) => ({ order: order.id, euros: payment?.euros ?? "not paid" }));
paid.to(print("paid within the hour"));
paid.lateLeft().union(paid.lateRight()).to(print("too late to be joined"));

const visits = shop
  .source(
    "views",
    fromArray([
      { user: "ann", page: "start", at: 0 },
      { user: "bob", page: "start", at: minute },
    ]),
  )
  .timestamps((view) => view.at);
const clicks = shop
  .source("clicks", fromArray([{ user: "ann", on: "buy", at: 2 * minute }]))
  .timestamps((click) => click.at);

visits
  .keyBy((view) => view.user)
  .join(
    clicks.keyBy((click) => click.user),
    { type: "left" },
  )
  .window(session("10m"))
  .select(({ page }, click, { key }) => ({ user: key, page, clicked: click?.on ?? "nothing" }))
  .to(print("visits"));

orders
  .keyBy((order) => order.shop)
  .coGroup(
    shop
      .source("returns", fromArray([{ shop: "north", at: 20 * minute }]))
      .timestamps((returned) => returned.at)
      .keyBy((returned) => returned.shop),
  )
  .window(tumbling("1h"))
  .select((sold, returned, { key, window }) => [
    { shop: key, hour: window.start / (60 * minute), sold: sold.length, returned: returned.length },
  ])
  .to(print("hours"));

export default shop;
if (import.meta.main) await run(shop);
