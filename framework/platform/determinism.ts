/**
 * The guard that makes user code repeatable: during a turn the globals that read clocks or chance answer from the message (design, section 4).
 *
 * Owns the replaced globals and which turn is running. Installed once, by the first worker of the process that wants it; outside a turn everything
 * answers as before. What it cannot reach is documented as forbidden: locale- and time-zone-dependent sorting, I/O, `node:crypto`.
 */

/** What answers during a turn. */
export interface TurnTime {
  /** Processing time of the message, ms since the epoch. */
  readonly now: number;
  /** The next of the instance's own random numbers. */
  random(): number;
}

let current: TurnTime | undefined;
let isInstalled = false;

/** Runs one turn with the globals answering from `turn`. Turns do not nest. */
export function runDeterministically<T>(turn: TurnTime, body: () => T): T {
  current = turn;
  try {
    return body();
  } finally {
    current = undefined;
  }
}

/** Replaces `Date`, `Date.now`, `Math.random`, `performance.now` and `crypto.randomUUID` by versions that know about turns. Harmless when repeated. */
export function installDeterminism(): void {
  if (isInstalled) return;
  isInstalled = true;
  const realRandom = Math.random;
  const realPerformanceNow = performance.now.bind(performance);
  const realRandomUuid = crypto.randomUUID.bind(crypto);
  globalThis.Date = deterministicDate(Date);
  Math.random = () => current?.random() ?? realRandom();
  performance.now = () => current?.now ?? realPerformanceNow();
  crypto.randomUUID = () => (current === undefined ? realRandomUuid() : uuidOf(current));
}

function deterministicDate(real: DateConstructor): DateConstructor {
  const realNow = real.now.bind(real);
  const now = () => current?.now ?? realNow();
  return new Proxy(real, {
    construct(target, args, newTarget) {
      const given: unknown[] = args.length === 0 && current !== undefined ? [current.now] : args;
      return Reflect.construct(target, given, newTarget) as object;
    },
    apply: () => new real(now()).toString(),
    get: (target, property, receiver) =>
      property === "now" ? now : (Reflect.get(target, property, receiver) as unknown),
  });
}

/** A version 4 UUID (RFC 9562) of the turn's own random numbers. */
function uuidOf(turn: TurnTime): ReturnType<typeof crypto.randomUUID> {
  const hex = (digits: number) =>
    Math.floor(turn.random() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0");
  const variant = (8 + Math.floor(turn.random() * 4)).toString(16);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(12)}`;
}
