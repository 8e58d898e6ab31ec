/**
 * State per key, of every kind: a value, a list, a map, one that reduces and one that aggregates; and state that is forgotten after a time.
 *
 * node examples/features/keyed-state.ts
 */
import { fromArray, job, list, map, print, reducing, run, value } from "tidemark";

const logins = fromArray([
  { at: 0, user: "ada", from: "home", ms: 30 },
  { at: 10_000, user: "ada", from: "office", ms: 20 },
]);

const accounts = job("keyed-state");

accounts
  .source("logins", logins)
  .timestamps((login) => login.at)
  .keyBy((login) => login.user)
  .process({
    state: {
      last: value<string>(),
      places: list<string>(),
      counts: map<string, number>(),
      slowest: reducing<number>((a, b) => Math.max(a, b)),
      recent: value<number>({ ttl: "1h" }),
    },
    process({ from, ms }, { key, state }) {
      const before = state.last.get();
      state.last.set(from);
      state.places.append(from);
      state.counts.set(from, (state.counts.get(from) ?? 0) + 1);
      state.slowest.add(ms);
      state.recent.set((state.recent.get() ?? 0) + 1);
      return [
        {
          user: key,
          before,
          places: [...state.places.values()],
          counts: Object.fromEntries(state.counts.entries()),
          slowest: state.slowest.get(),
          withinTheHour: state.recent.get(),
        },
      ];
    },
  })
  .to(print("logins"));

export default accounts;
if (import.meta.main) await run(accounts);
