import {
  addMs,
  MAX_ACOUSTIC_OFFSET_MS,
  type MediaTime,
  type Plan,
  type PlanItem,
  type Policy,
  type Priority,
} from '@loalang/shared';

/** A file broadcast as the planner sees it, for one receiver. */
export interface PlannedBroadcast {
  readonly id: string;
  readonly title: string;
  readonly priority: Priority;
  readonly startAt: MediaTime;
  /** When the whole broadcast, or this receiver's part of it, was stopped by hand. */
  readonly stoppedAt: MediaTime | null;
  readonly audio: { readonly sha256: string; readonly bytes: number; readonly durationMs: number };
}

export interface PlanContent {
  readonly policy: Policy;
  readonly acousticOffsetMs: number;
  readonly items: readonly PlanItem[];
}

/** How far ahead a receiver knows what it will play. */
export const PLAN_AHEAD_DAYS = 7;
const PLAN_AHEAD_MS = PLAN_AHEAD_DAYS * 86_400_000;
/** A receiver may sound so much later, and what is not in its plan any more falls silent. */
const KEPT_BEYOND_END_MS = MAX_ACOUSTIC_OFFSET_MS;
/** As many as a plan may hold; the earliest win, the rest follow when they have become the earliest. */
const MAX_ITEMS = 2000;

/** What one receiver shall hold: what is neither stopped nor over and starts within seven days, by start. */
export function planDevice(input: {
  broadcasts: readonly PlannedBroadcast[];
  policy: Policy;
  acousticOffsetMs: number;
  now: MediaTime;
}): PlanContent {
  const horizon = addMs(input.now, PLAN_AHEAD_MS);
  const items = input.broadcasts
    .filter(({ stoppedAt, startAt }) => stoppedAt === null && startAt <= horizon)
    .map(toItem)
    .filter((item) => !isOver(item, input.now))
    .toSorted((a, b) => a.startAt - b.startAt || (a.broadcastId < b.broadcastId ? -1 : 1))
    .slice(0, MAX_ITEMS);
  return { policy: input.policy, acousticOffsetMs: input.acousticOffsetMs, items };
}

function toItem({ id, title, priority, startAt, audio }: PlannedBroadcast): PlanItem {
  const { sha256, bytes, durationMs } = audio;
  return { broadcastId: id, title, priority, startAt, durationMs, asset: { sha256, bytes } };
}

function isOver(item: PlanItem, now: MediaTime): boolean {
  return addMs(item.startAt, item.durationMs + KEPT_BEYOND_END_MS) <= now;
}

/** Does the receiver need a new revision? Not because something that it holds is over. */
export function isPlanChanged(held: Plan | null, wanted: PlanContent, now: MediaTime): boolean {
  if (held === null) return true;
  const stillToCome = held.items.filter((item) => !isOver(item, now));
  return !isSame({ ...held, items: stillToCome }, wanted);
}

function isSame(a: PlanContent, b: PlanContent): boolean {
  return fingerprint(a) === fingerprint(b);
}

/** All that counts, in a fixed order: objects that went through a schema or a database may have theirs changed. */
function fingerprint({ policy, acousticOffsetMs, items }: PlanContent): string {
  return JSON.stringify([
    policy.utcOffsetMinutes,
    policy.quietHours.map(({ from, to }) => [from, to]),
    acousticOffsetMs,
    items.map(({ broadcastId, title, priority, startAt, durationMs, asset }) => [
      broadcastId,
      title,
      priority,
      startAt,
      durationMs,
      asset.sha256,
      asset.bytes,
    ]),
  ]);
}
