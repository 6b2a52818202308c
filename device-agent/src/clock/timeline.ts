import type { MediaTime } from '@loalang/shared';

/** Maps the board's monotonic clock to media time. It never jumps while something plays; null while the hour isn't known. */
export interface Timeline {
  toMediaTime(monotonicUs: number): MediaTime | null;
}
