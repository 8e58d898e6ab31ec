/**
 * What the builders of several inputs and outputs infer, and what must not compile.
 */
import { describe, expectTypeOf, test } from "vitest";
import type { BroadcastStream, ConnectedStreams, RuledStream } from "../../framework/api/connected-streams.ts";
import { job } from "../../framework/api/job.ts";
import type { IntervalJoinOptions, JoinStream } from "../../framework/api/joined-streams.ts";
import type { Stream } from "../../framework/api/stream.ts";
import type { SourceSpec } from "../../framework/log/source.ts";
import { side } from "../../framework/operator/sides.ts";
import { map, value } from "../../framework/state/descriptors.ts";
import type { Duration } from "../../framework/time/duration.ts";
import { tumbling } from "../../framework/window/assigner.ts";
import { keepLast } from "../../framework/window/evictor.ts";
import { session } from "../../framework/window/session.ts";
import { everyCount } from "../../framework/window/trigger.ts";
import { globalWindow } from "../../framework/window/unbounded.ts";

interface Order {
  readonly id: string;
  readonly cents: number;
}

interface Payment {
  readonly order: string;
  readonly at: number;
  readonly kind: "payment";
}

interface Refund {
  readonly order: string;
  readonly kind: "refund";
}

declare const orderSource: SourceSpec<Order>;
declare const paymentSource: SourceSpec<Payment>;
declare const refundSource: SourceSpec<Refund>;

const shop = job("shop");
const orders = shop.source("orders", orderSource);
const payments = shop.source("payments", paymentSource);
const refunds = shop.source("refunds", refundSource);
const byId = orders.keyBy((o) => o.id);
const byOrder = payments.keyBy((p) => p.order);

describe("connect", () => {
  test("takes a keyed stream with keys of the same kind", () => {
    expectTypeOf(byId.connect(byOrder)).toEqualTypeOf<ConnectedStreams<string, Order, Payment>>();
    const named = orders.keyBy((o) => (o.cents > 0 ? "good" : "bad"));
    expectTypeOf(named.connect(byOrder)).toEqualTypeOf<ConnectedStreams<string, Order, Payment>>();
    // @ts-expect-error a string never meets a number
    byId.connect(payments.keyBy((p) => p.at));
    // @ts-expect-error a stream without keys has to be keyed, or broadcast
    byId.connect(payments);
  });

  test("process infers state, both kinds of records, and the outputs of all callbacks", () => {
    const joined = byId.connect(byOrder).process({
      state: { order: value<Order>() },
      left(order, { state, key }) {
        expectTypeOf(order).toEqualTypeOf<Order>();
        expectTypeOf(key).toEqualTypeOf<string>();
        state.order.set(order);
      },
      right: (payment, { state }) => [{ payment, order: state.order.get() }],
      onTimer: (time) => [time],
    });
    expectTypeOf(joined).toEqualTypeOf<Stream<number | { payment: Payment; order: Order | undefined }>>();
    // @ts-expect-error both sides have to be said
    byId.connect(byOrder).process({ left: () => undefined });
    byId.connect(byOrder).process({
      state: { order: value<Order>() },
      left: () => undefined,
      // @ts-expect-error a payment is no order
      right: (payment, { state }) => state.order.set(payment),
    });
  });
});

describe("broadcast", () => {
  test("gives rules to a keyed stream", () => {
    expectTypeOf(refunds.broadcast()).toEqualTypeOf<BroadcastStream<Refund>>();
    expectTypeOf(byId.connect(refunds.broadcast())).toEqualTypeOf<RuledStream<string, Order, Refund>>();
    // @ts-expect-error what is broadcast has no keys, and no windows
    void refunds.broadcast().keyBy;
  });

  test("rules are read by process and changed by onBroadcast, which has no key", () => {
    const ruled = byId.connect(refunds.broadcast()).process({
      state: { count: value<number>() },
      rules: map<string, Refund>(),
      process(order, { rules, state }) {
        expectTypeOf(state.count.get()).toEqualTypeOf<number | undefined>();
        // @ts-expect-error only onBroadcast changes rules
        void rules.set;
        return [rules.get(order.id)];
      },
      onBroadcast(refund, context) {
        expectTypeOf(refund).toEqualTypeOf<Refund>();
        context.rules.set(refund.order, refund);
        context.forEachKey((key, { state }) => {
          expectTypeOf(key).toEqualTypeOf<string>();
          state.count.clear();
        });
        // @ts-expect-error a rule has no key
        void context.key;
        // @ts-expect-error and no state of one
        void context.state;
      },
      onTimer: (time) => [time],
    });
    expectTypeOf(ruled).toEqualTypeOf<Stream<number | Refund | undefined>>();
    // @ts-expect-error rules have to be declared
    byId.connect(refunds.broadcast()).process({ process: () => undefined, onBroadcast: () => undefined });
  });
});

describe("side outputs", () => {
  const sided = byId.process({
    sides: { large: side<Order>(), counts: side<number>() },
    process(order, { sides }) {
      sides.large.emit(order);
      // @ts-expect-error a side takes what it was declared with
      sides.counts.emit(order);
      return [order.id];
    },
  });

  test("are streams by name", () => {
    expectTypeOf(sided.side("large")).toEqualTypeOf<Stream<Order>>();
    expectTypeOf(sided.named("a").side("counts")).toEqualTypeOf<Stream<number>>();
    // @ts-expect-error there is no such side output
    sided.side("small");
    // @ts-expect-error nor any, where none is declared
    void byId.process({ process: () => undefined }).side;
  });
});

describe("split", () => {
  test("gives a stream per branch; a type guard narrows it", () => {
    const { paid, refunded } = payments.union(refunds).split({
      paid: (r): r is Payment => r.kind === "payment",
      refunded: (r) => r.kind === "refund" && r.order !== "",
    });
    expectTypeOf(paid).toEqualTypeOf<Stream<Payment>>();
    expectTypeOf(refunded).toExtend<Stream<Payment | Refund>>();
    // @ts-expect-error a branch is a question
    payments.split({ paid: (p) => p.at });
    // @ts-expect-error there is no such branch
    void payments.split({ paid: () => true }).unpaid;
  });
});

describe("intervalJoin", () => {
  const joined = byId.intervalJoin(byOrder, { lower: "-5m", upper: "1h", bounds: "[)" });

  test("select sees both records; in outer joins one of them may be undefined", () => {
    const results = joined.select((order, payment) => {
      expectTypeOf(order).toEqualTypeOf<Order>();
      expectTypeOf(payment).toEqualTypeOf<Payment>();
      return payment.at;
    });
    expectTypeOf(results).toEqualTypeOf<JoinStream<Order, Payment, number>>();
    byId.intervalJoin(byOrder, { lower: 0, upper: 1, type: "left" }).select((order, payment) => {
      expectTypeOf(order).toEqualTypeOf<Order>();
      expectTypeOf(payment).toEqualTypeOf<Payment | undefined>();
    });
    byId.intervalJoin(byOrder, { lower: 0, upper: 1, type: "right" }).select((order, payment) => {
      expectTypeOf(order).toEqualTypeOf<Order | undefined>();
      expectTypeOf(payment).toEqualTypeOf<Payment>();
    });
    byId.intervalJoin(byOrder, { lower: 0, upper: 1, type: "full" }).select((order, payment) => {
      expectTypeOf([order, payment]).toEqualTypeOf<(Order | Payment | undefined)[]>();
    });
    // @ts-expect-error a payment may be missing
    byId.intervalJoin(byOrder, { lower: 0, upper: 1, type: "left" }).select((_order, payment) => payment.at);
  });

  test("late records are streams of their sides", () => {
    const results = joined.select(() => 1);
    expectTypeOf(results.lateLeft()).toEqualTypeOf<Stream<Order>>();
    expectTypeOf(results.named("a").lateRight()).toEqualTypeOf<Stream<Payment>>();
  });

  test("bounds have to be said, and be bounds", () => {
    // @ts-expect-error there is no upper bound
    byId.intervalJoin(byOrder, { lower: 0 });
    // @ts-expect-error bounds are a bracket and a bracket
    byId.intervalJoin(byOrder, { lower: 0, upper: 1, bounds: "][" });
    // @ts-expect-error there is no such join
    byId.intervalJoin(byOrder, { lower: 0, upper: 1, type: "outer" });
    expectTypeOf<IntervalJoinOptions<"left">["lower"]>().toEqualTypeOf<Duration>();
    const byTime = payments.keyBy((p) => p.at);
    // @ts-expect-error a string never meets a number
    byId.intervalJoin(byTime, { lower: 0, upper: 1 });
  });
});

describe("join and coGroup", () => {
  test("join pairs records of a window; in outer joins one of them may be undefined", () => {
    const results = byId
      .join(byOrder, { type: "left" })
      .window(session("10m"))
      .select((order, payment, { key, window, fire }) => {
        expectTypeOf(order).toEqualTypeOf<Order>();
        expectTypeOf(payment).toEqualTypeOf<Payment | undefined>();
        expectTypeOf(key).toEqualTypeOf<string>();
        return [window.start, fire.pane];
      });
    expectTypeOf(results).toEqualTypeOf<JoinStream<Order, Payment, number[]>>();
    byId
      .join(byOrder)
      .window(tumbling("1m"))
      .allowedLateness("1s")
      .evict(keepLast(3))
      .select((_order, payment) => payment.at);
    // @ts-expect-error windows have to be said
    void byId.join(byOrder).select;
  });

  test("coGroup hands both sides of a window over, and takes any number of results", () => {
    const results = byId
      .coGroup(byOrder)
      .window(tumbling("1m"))
      .select((orders_, payments_) => {
        expectTypeOf(orders_).toEqualTypeOf<readonly Order[]>();
        expectTypeOf(payments_).toEqualTypeOf<readonly Payment[]>();
        return [payments_.length];
      });
    expectTypeOf(results).toEqualTypeOf<JoinStream<Order, Payment, number>>();
    const perMinute = byId.coGroup(byOrder).window(tumbling("1m"));
    // @ts-expect-error results are a list
    perMinute.select(() => 1);
  });

  test("global windows need a trigger", () => {
    const pairs = byId.coGroup(byOrder).window(globalWindow()).trigger(everyCount(2));
    expectTypeOf(pairs.select((a) => a)).toEqualTypeOf<JoinStream<Order, Payment, Order>>();
    // @ts-expect-error a global window never ends
    void byId.join(byOrder).window(globalWindow()).select;
  });
});
