// What was heard before the power went or the playout fell, of broadcasts that won't be taken up again.
import type { MissedReason, PlanItem } from '@loalang/shared';
import type { Progress, ProofDraft } from '../playout/index.ts';

const FRAME_MS = 20;

/** The proof of what was heard, of a broadcast that nothing more will be heard of. */
export function draftBrokenOff(
  progress: Progress,
  item: PlanItem | undefined,
  reason: MissedReason = 'powered-off',
): ProofDraft {
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
    reason: missed > 0 ? reason : null,
    levelDbfs: null,
  };
}
