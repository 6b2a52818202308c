// What the playout can't know, because it did not run or did not know the hour: which planned items passed unheard, and
// what was heard before the power went.
import { addMs, type MediaTime, type PlanItem } from '@loalang/shared';
import type { ProofDraft } from '../playout/index.ts';
import type { Progress } from '../store/index.ts';

const FRAME_MS = 20;

/** The items whose whole window passed before `until` and that nothing was proved of. */
export function missedItems(
  items: readonly PlanItem[],
  until: MediaTime,
  isProved: (broadcastId: string) => boolean,
): PlanItem[] {
  return items.filter(
    ({ broadcastId, startAt, durationMs }) => addMs(startAt, durationMs) <= until && !isProved(broadcastId),
  );
}

/** The proof that an item was not heard at all. */
export function draftMissed(
  item: PlanItem,
  reason: 'powered-off' | 'clock-unknown' | 'asset-missing',
): ProofDraft {
  return {
    broadcastId: item.broadcastId,
    kind: 'item',
    startedAt: null,
    endedAt: null,
    frames: { played: 0, concealed: 0, missed: Math.ceil(item.durationMs / FRAME_MS) },
    reason,
    levelDbfs: null,
  };
}

/** The proof of what was heard before the power went, of a broadcast that nothing more will be heard of. */
export function draftBrokenOff(progress: Progress, item: PlanItem | undefined): ProofDraft {
  const spanFrames = (progress.soundedUntil - progress.startedAt) / 1000 / FRAME_MS;
  const played = Math.round(progress.frames?.played ?? spanFrames);
  const concealed = Math.round(progress.frames?.concealed ?? 0);
  const missed =
    item === undefined
      ? Math.round(progress.frames?.missed ?? 0)
      : Math.max(0, Math.ceil(item.durationMs / FRAME_MS) - played - concealed);
  return {
    broadcastId: progress.broadcastId,
    kind: progress.of,
    startedAt: progress.startedAt,
    endedAt: progress.soundedUntil,
    frames: { played, concealed, missed },
    reason: missed > 0 ? 'powered-off' : null,
    levelDbfs: null,
  };
}
