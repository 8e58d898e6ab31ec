/**
 * Who waits for the moment at which an incarnation is fenced: its successor's epoch-start is in an inbox behind it, and it knows nothing of that.
 */
import type { InboxMessage } from "../../record/frame.ts";
import type { InstanceId } from "../../record/messages.ts";

/** An incarnation, as those that it may be fenced by see it. */
interface Incumbent {
  readonly id: InstanceId;
  readonly epoch: number;
}

/** Watches epoch-starts. */
export class Successions {
  /** From an inbox to the instance that reads it. */
  readonly #isOwn: (inbox: string, instance: InstanceId) => boolean;
  readonly #waiting = new Set<{ readonly incumbents: readonly Incumbent[]; readonly onFenced: () => void }>();

  /** `isOwn`: whether an inbox is the instance's own; it says nothing of those behind. */
  constructor(isOwn: (inbox: string, instance: InstanceId) => boolean) {
    this.#isOwn = isOwn;
  }

  /** Calls `onFenced` once, when a later epoch of one of the incumbents begins in an inbox behind it. */
  onNext(incumbents: readonly Incumbent[], onFenced: () => void): void {
    this.#waiting.add({ incumbents: incumbents.map(({ id, epoch }) => ({ id, epoch })), onFenced });
  }

  /** A message has been stored in an inbox. */
  onStored(inbox: string, message: InboxMessage): void {
    if (this.#waiting.size === 0 || message.kind !== "epochStart" || this.#isOwn(inbox, message.instance)) return;
    const { instance, epoch: begun } = message;
    for (const each of this.#waiting) {
      const isFenced = ({ id, epoch }: Incumbent) =>
        id.stage === instance.stage && id.partition === instance.partition && epoch < begun;
      if (!each.incumbents.some(isFenced)) continue;
      this.#waiting.delete(each);
      each.onFenced();
    }
  }
}
