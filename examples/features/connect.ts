/**
 * Two streams processed together: orders and payments meet in state that they share, and who waits too long is reported; readings are checked against
 * rules that every partition knows.
 *
 * node examples/features/connect.ts
 */
import { fromArray, job, map, print, run, value } from "tidemark";

interface Order {
  readonly id: string;
  readonly at: number;
}

const shop = job("connect");
const orders = shop
  .source(
    "orders",
    fromArray<Order>([
      { id: "a", at: 0 },
      { id: "b", at: 1_000 },
    ]),
  )
  .timestamps((order) => order.at);
const payments = shop
  .source("payments", fromArray([{ order: "a", at: 5_000, euros: 30 }]))
  .timestamps((payment) => payment.at);

orders
  .keyBy((order) => order.id)
  .connect(payments.keyBy((payment) => payment.order))
  .process({
    state: { order: value<Order>(), paid: value<number>() },
    left(order, { state, timers, timestamp }) {
      state.order.set(order);
      timers.onEventTime(timestamp + 60_000);
    },
    right: (payment, { state }) => state.paid.set(payment.euros),
    onTimer: (_time, { key, state }) => [{ order: key, paid: state.paid.get() ?? 0 }],
  })
  .to(print("after a minute"));

const limits = shop.source("limits", fromArray([{ kind: "oven", celsius: 200 }]));
const readings = shop.source("readings", fromArray([{ device: "oven-1", kind: "oven", celsius: 230 }]));

readings
  .keyBy((reading) => reading.device)
  .connect(limits.broadcast())
  .process({
    rules: map<string, number>(),
    state: { highest: value<{ readonly kind: string; readonly celsius: number }>() },
    process({ kind, celsius }, { state, rules, key }) {
      state.highest.set({ kind, celsius });
      return celsius > (rules.get(kind) ?? Infinity) ? [{ device: key, celsius }] : [];
    },
    // The rule may come after the reading: every key is looked at again.
    onBroadcast({ kind, celsius }, { rules, forEachKey }) {
      rules.set(kind, celsius);
      const above: { device: string; celsius: number }[] = [];
      forEachKey((device, { state }) => {
        const highest = state.highest.get();
        if (highest?.kind === kind && highest.celsius > celsius) above.push({ device, celsius: highest.celsius });
      });
      return above;
    },
  })
  .to(print("too hot"));

export default shop;
if (import.meta.main) await run(shop);
