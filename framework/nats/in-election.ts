/**
 * Calls about streams of several copies, which nobody may answer for a moment: the stream is there before its leader is elected, and others may be
 * creating or deleting it.
 *
 * Owns the repetition, of calls that may be repeated whatever became of them.
 */
import { StreamError } from "../errors.ts";

const attemptsMax = 2;

/** Repeats `call` a few times while nobody answers, where streams have several copies. @throws what the last attempt throws */
export async function throughElection<T>(isReplicated: boolean, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const isPassing = StreamError.is(error) && error.isRetryable;
      if (!isReplicated || attempt === attemptsMax || !isPassing) throw error;
    }
  }
}
