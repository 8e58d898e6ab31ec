/**
 * The claim of an instance by a new incarnation (R5).
 *
 * Owns the order: the pointer, the own epoch-start, the snapshots that the pointer names, the epoch-starts downstream and their acks. Until all of that is
 * done the incarnation takes no turn, and says nothing. What snapshots hold never changes: it is fetched while the pointer is being moved, because keys wait.
 *
 * R8. Who finds that something is lost or corrupt asks the pointer before it says so: a newer epoch there explains it.
 */
import { StreamError } from "../errors.ts";
import { decideBroken } from "../protocol/read.ts";
import { encodeControl } from "../record/frame.ts";
import type { ChannelFloor } from "../record/messages.ts";
import type { Pointer } from "../record/snapshot-record.ts";
import { type Claimed, loadRetained, splitOf, storeOf } from "./assembly.ts";
import { floorsInto, inboxesBehind } from "./downstream.ts";
import type { PointerRegister } from "./pointer-register.ts";
import type { RetainedSnapshot } from "./snapshotter.ts";

/** What is claimed, by whom. */
export type Claim = Omit<Claimed, "inbox" | "retained" | "segments">;

/**
 * Claims the instance; everything that its predecessors say from here on is dropped wherever it is read.
 *
 * @throws FENCED when a newer incarnation owns it; DATA_LOST, CORRUPT, NOT_FOUND
 */
export async function claimInstance(claim: Claim): Promise<Claimed> {
  const { host, id, stage, epoch, pointer } = claim;
  const name = `${stage.name}/${id.partition}`;
  const opened = stage.source === undefined ? host.openInbox(id.stage, id.partition) : undefined;
  const identity = opened?.then(({ createdMs }) => String(createdMs)) ?? splitOf(claim).identity;
  let ahead = fetchAhead(claim, undefined);
  const onFound = (found: Pointer | undefined) => {
    ahead = fetchAhead(claim, found);
  };
  await own(claim, name, identity, onFound);
  const inbox = await opened;
  const fence = (to: number, at: number, floors: readonly ChannelFloor[]) =>
    host.appendControl(to, at, encodeControl({ kind: "epochStart", instance: id, epoch, floors }), name);
  const behind = inboxesBehind(host.plan, id.stage);
  // Of an instance that sends back to itself the one fence is both, and says what its snapshot rests on.
  const speaksToItself = behind.some(([to, at]) => to === id.stage && at === id.partition);
  const fenced = inbox === undefined || speaksToItself ? undefined : fence(id.stage, id.partition, []);
  const load = explained(pointer, epoch, () => ahead.retained);
  const [retained] = await Promise.all([load, fenced]);
  const channels = retained[0]?.manifest.channelsOut ?? [];
  await Promise.all(behind.map(([to, at]) => fence(to, at, floorsInto(host.plan, channels, to, at))));
  return { ...claim, inbox, retained, segments: ahead.segments };
}

/** What a pointer's snapshots hold, as soon as it is there. What fails says so to whoever waits for it, and a claim that loses to another one waits for neither. */
function fetchAhead(
  claim: Claim,
  found: Pointer | undefined,
): Pick<Claimed, "segments"> & { readonly retained: Promise<RetainedSnapshot[]> } {
  const store = storeOf(claim);
  const retained = loadRetained(store, found);
  const segments = retained.then(([current]) => store.getSegments(current?.manifest.segments ?? []));
  segments.catch(() => undefined);
  return { retained, segments };
}

/** R5 (1). R8 for the job log: an epoch in the pointer that it does not name was made by records that it has lost. */
async function own(
  { host, id, epoch, pointer }: Claim,
  name: string,
  identity: string | Promise<string>,
  onFound: (found: Pointer | undefined) => void,
): Promise<void> {
  try {
    await pointer.claim(identity, host.skipsOf(id), onFound);
  } catch (error) {
    const by = pointer.highestEpoch;
    if (!StreamError.is(error, "FENCED") || (by > epoch && (await host.assignsAt(by, id)))) throw error;
    const what = `${name}: epoch ${epoch} finds its pointer with epoch ${by}, which the job log does not name`;
    throw new StreamError("DATA_LOST", `${what}: it has lost records; start a new generation with --new`, {
      cause: error,
    });
  }
}

/** What `work` answers. @throws what it throws, explained by the pointer (R8) */
export async function explained<T>(pointer: PointerRegister, epoch: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await explain(pointer, epoch, error);
  }
}

/** The error that an incarnation of `epoch` ends with that has met `error` (R8). @throws UNAVAILABLE, TIMEOUT when the pointer cannot be asked */
export async function explain(pointer: PointerRegister, epoch: number, error: unknown): Promise<unknown> {
  if (!StreamError.is(error, "DATA_LOST") && !StreamError.is(error, "CORRUPT")) return error;
  return decideBroken({ pointerEpoch: await pointer.owner(), ownEpoch: epoch, error });
}
