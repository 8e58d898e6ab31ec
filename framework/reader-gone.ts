/**
 * What a process does when nobody reads its output any more (`… | head -3`).
 *
 * Owns the errors of standard output and standard error. Unix tools end without a word then, by a signal that Node ignores; what Node does instead, an
 * exception with a stack, is of no use to anybody.
 *
 * G1. Standard output that has lost its reader is said once, to whoever asked last; standard error that has lost it is no reason to end.
 * G2. Any other error of an output is thrown, as it would be without anybody listening.
 */
const errorsOfGone = ["EPIPE", "ERR_STREAM_DESTROYED"];

type Listener = () => void;

const listeners: Listener[] = [];
let isWatching = false;
let isGone = false;

/** Calls `then` when nobody reads standard output any more, instead of those who have asked before, until what is answered is called. */
export function whenReaderGone(then: () => void): () => void {
  watch();
  listeners.push(then);
  if (isGone) queueMicrotask(then);
  return () => {
    const at = listeners.lastIndexOf(then);
    if (at >= 0) listeners.splice(at, 1);
  };
}

/** The listeners stay for good: what is still written afterwards fails, too. */
function watch(): void {
  if (isWatching) return;
  isWatching = true;
  process.stdout.on("error", (error) => {
    passOther(error);
    if (isGone) return;
    isGone = true;
    listeners.at(-1)?.();
  });
  process.stderr.on("error", passOther);
}

/** G2 */
function passOther(error: NodeJS.ErrnoException): void {
  if (!errorsOfGone.includes(error.code ?? "")) throw error;
}
