/**
 * What a savepoint freezes, and when it has come about.
 *
 * Owns the decisions of both sides, the instance's and the leader's; copies, registers and records are the actors' business. What the job log says of savepoints is
 * in `savepoint-life.ts`.
 *
 * R17. Sources stop where they are; a drain travels like a watermark, and an instance that has read the drains of all its edges, and for which nothing that it
 * has read is still to come, is frozen: the position at which it freezes is a function of its inbox. It is complete when every instance has a confirmed copy.
 * F1. A drain of a savepoint that the job log, as far as it has been read, knows nothing of freezes, too: its request is on its way.
 * F2. A savepoint that is over freezes nothing: its drains may be read again in every replay. Where the job has ended with it, it is not over (SP5).
 * F3. The copies make one cut: for each channel the receiver's copy has read what the sender's copy has said, no more and no less.
 * F4. The register of its name decides what has become of it: the first conclusion written there stands, and no older leader writes one.
 */
import type { InstanceId, Report } from "../record/messages.ts";
import type { SavepointRecord } from "../record/savepoint-record.ts";
import type { ChannelInState, ChannelOutState } from "../record/snapshot-record.ts";
import type { JobLogView, StageShape } from "./job-log.ts";
import type { SavepointView } from "./savepoint-life.ts";

/** Whether an instance that has come to savepoint `drained` (0: to none) takes no turn (F1, F2). */
export function freezesAt(view: Pick<JobLogView, "position" | "savepoints">, drained: number): boolean {
  return drained > 0 && (drained > view.position || view.savepoints.standing === drained);
}

/** Whether every instance of a stage is frozen for the savepoint, and has said so in the epoch that the job log names: then its drains may travel. */
export function isStageFrozen(instances: readonly InstanceId[], id: number, reportOf: ReportOf): boolean {
  return instances.every((instance) => reportOf(instance)?.freeze?.savepoint === id);
}

/** The newest report of the instance's current incarnation. */
export type ReportOf = (instance: InstanceId) => Report | undefined;

/** What the leader decides on. */
export interface SavepointFacts {
  readonly savepoint: SavepointView;
  readonly view: JobLogView;
  readonly stages: readonly StageShape[];
  readonly reportOf: ReportOf;
  readonly nameOf: (instance: InstanceId) => string;
  /** In the job log's own time, ms. */
  readonly nowMs: number;
  /** Whoever has the job held is gone. */
  readonly isLeft: boolean;
}

/** How far a savepoint has come. */
export interface SavepointProgress {
  readonly instances: number;
  readonly frozen: number;
  readonly copied: number;
}

/** `collect`: every copy is confirmed. `giveUp`: nobody has followed up the hold. */
export type SavepointDecision =
  | { readonly kind: "wait" | "collect" | "giveUp" }
  | { readonly kind: "cancel"; readonly reason: string };

/** Names of instances that a reason says, at most. */
const namesShown = 3;

/** What becomes of the open savepoint now. */
export function decideSavepoint(facts: SavepointFacts): SavepointDecision {
  const { savepoint, nowMs, nameOf } = facts;
  const isLate = nowMs >= savepoint.sinceMs + savepoint.timeoutMs;
  if (savepoint.state === "held") return { kind: isLate || facts.isLeft || facts.view.isDraining ? "giveUp" : "wait" };
  const all = instancesOf(facts);
  const failed = all.find(({ freeze }) => freeze !== undefined && freeze.failure !== "");
  if (failed !== undefined)
    return { kind: "cancel", reason: `the copy of ${nameOf(failed.instance)} failed: ${failed.freeze?.failure ?? ""}` };
  const missing = all.filter(({ freeze }) => (freeze?.manifest.length ?? 0) === 0);
  if (missing.length === 0) return { kind: "collect" };
  return isLate ? { kind: "cancel", reason: lateReason(facts, missing) } : { kind: "wait" };
}

/** How far the open savepoint has come, for people. */
export function progressOf(
  facts: Pick<SavepointFacts, "savepoint" | "view" | "stages" | "reportOf">,
): SavepointProgress {
  const all = instancesOf(facts);
  return {
    instances: all.length,
    frozen: all.filter(({ freeze }) => freeze !== undefined).length,
    copied: all.filter(({ freeze }) => (freeze?.manifest.length ?? 0) > 0).length,
  };
}

interface Member {
  readonly instance: InstanceId;
  readonly freeze: Report["freeze"];
}

function instancesOf({
  savepoint,
  view,
  stages,
  reportOf,
}: Pick<SavepointFacts, "savepoint" | "view" | "stages" | "reportOf">): Member[] {
  return stages.flatMap((stage) =>
    view.instancesOf(stage).map((instance) => {
      const report = reportOf(instance);
      const isCurrent = report !== undefined && report.epoch === view.assignment(instance)?.epoch;
      const freeze = isCurrent && report.freeze?.savepoint === savepoint.id ? report.freeze : undefined;
      return { instance, freeze };
    }),
  );
}

function lateReason({ savepoint, nameOf }: SavepointFacts, missing: readonly Member[]): string {
  const named = missing.slice(0, namesShown).map(({ instance, freeze }) => {
    return `${nameOf(instance)} ${freeze === undefined ? "is not frozen" : "is frozen and not copied"}`;
  });
  const more = missing.length > namesShown ? `, and ${missing.length - namesShown} more` : "";
  return `after ${savepoint.timeoutMs} ms ${named.join(", ")}${more}`;
}

/** One instance of a cut. */
export interface CutMember {
  readonly instance: InstanceId;
  readonly channelsIn: readonly ChannelInState[];
  readonly channelsOut: readonly ChannelOutState[];
}

/** A channel on which two copies do not meet. */
export interface CutGap {
  readonly edge: number;
  readonly from: InstanceId;
  readonly to: InstanceId;
  /** Number of the last record that the sender's copy has said, and that the receiver's copy has read. */
  readonly said: number;
  readonly read: number;
}

const askAgain = "ask again";

/** Why copies that do not meet are no savepoint, for people. */
export function gapReason(
  { from, to, said, read }: CutGap,
  edge: string,
  nameOf: (instance: InstanceId) => string,
): string {
  const what = `${nameOf(from)} has said ${said} records over ${edge}, and ${nameOf(to)} has read ${read}`;
  return `${what}: an instance was restarted in the middle; ${askAgain}`;
}

/** Whether a savepoint that was cancelled for this reason may come about when it is asked for again at once. */
export function isWorthAnother(reason: string): boolean {
  return reason.endsWith(askAgain);
}

/** An edge between two stages; others (into dead letters) are no part of a cut. */
export interface CutEdge {
  readonly index: number;
  readonly from: number;
  readonly to: number | "dead" | "late";
}

/** F3: the channels on which the copies do not meet, in the order of the edges. */
export function gapsOf(edges: readonly CutEdge[], members: readonly CutMember[]): CutGap[] {
  const byStage = Map.groupBy(members, ({ instance }) => instance.stage);
  return edges.flatMap(({ index, from, to }) => {
    const receivers = typeof to === "number" ? (byStage.get(to) ?? []) : [];
    return (byStage.get(from) ?? []).flatMap((sender) =>
      receivers.flatMap((receiver) => gapOf(index, sender, receiver)),
    );
  });
}

function gapOf(edge: number, sender: CutMember, receiver: CutMember): CutGap[] {
  const { partition: from } = sender.instance;
  const { partition: to } = receiver.instance;
  const said = sender.channelsOut.find((channel) => channel.edge === edge && channel.to === to)?.last ?? 0;
  const read = receiver.channelsIn.find((channel) => channel.edge === edge && channel.from === from)?.last ?? 0;
  return said === read ? [] : [{ edge, from: sender.instance, to: receiver.instance, said, read }];
}

/** Whose savepoint a register is to name. */
export interface RegisterOwner {
  readonly generation: number;
  /** Id of the savepoint. */
  readonly savepoint: number;
  /** Epoch of the leader that asks. */
  readonly leader: number;
}

/**
 * `write`: by compare-and-set over what was found. `mine`: it is this leader's, and open. `settled`: what became of the savepoint is written there, whoever leads.
 * `taken`: a savepoint of that name exists. `deposed`: a newer leader has it.
 */
export type RegisterDecision = "write" | "mine" | "settled" | "taken" | "deposed";

/** F4: what a leader does about the register of a savepoint's name: it is made its own before anything is copied, so that no older leader concludes it behind its back. */
export function decideReservation(found: SavepointRecord | undefined, owner: RegisterOwner): RegisterDecision {
  if (found === undefined) return "write";
  if (!isOf(found, owner)) return found.state === "complete" ? "taken" : "write";
  if (found.state !== "open") return "settled";
  if (found.leader === owner.leader) return "mine";
  return found.leader < owner.leader ? "write" : "deposed";
}

/** F4: whether a leader may write what has become of a savepoint. */
export function decideConclusion(found: SavepointRecord | undefined, owner: RegisterOwner): RegisterDecision {
  if (found === undefined || !isOf(found, owner)) return "deposed";
  if (found.state !== "open") return "settled";
  return found.leader === owner.leader ? "write" : "deposed";
}

function isOf(found: SavepointRecord, { generation, savepoint }: RegisterOwner): boolean {
  return found.generation === generation && found.savepoint === savepoint;
}
