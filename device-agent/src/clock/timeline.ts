import { mediaTime, type MediaTime } from '@loalang/shared';

/** Maps the board's monotonic clock to media time. It never jumps while something plays; null while the hour isn't known. */
export interface Timeline {
  toMediaTime(monotonicUs: number): MediaTime | null;
}

/**
 * Media time as a line over the monotonic clock: at `fromUs` it is `mediaUs` and gains `driftPpm`, and until `slewUntilUs`
 * `slewPpm` more. A plain value, so that another thread can follow it without asking.
 */
export interface MediaLine {
  readonly fromUs: number;
  readonly mediaUs: number;
  readonly driftPpm: number;
  readonly slewPpm: number;
  readonly slewUntilUs: number;
}

/** Where the line is at a monotonic moment, not rounded. */
export function mediaUsOn(line: MediaLine, monotonicUs: number): number {
  const elapsedUs = monotonicUs - line.fromUs;
  const slewedUs = Math.min(elapsedUs, line.slewUntilUs - line.fromUs);
  return line.mediaUs + elapsedUs + (elapsedUs * line.driftPpm + slewedUs * line.slewPpm) / 1e6;
}

/** The media time of a monotonic moment; null without a line, or before 1970. */
export function mediaTimeOn(line: MediaLine | null, monotonicUs: number): MediaTime | null {
  const mediaUs = line === null ? -1 : mediaUsOn(line, monotonicUs);
  return mediaUs < 0 ? null : mediaTime(Math.round(mediaUs));
}
