import type { z } from 'zod';

/**
 * Media time: UTC in whole microseconds on the platform's clock. A double holds it exactly until the year 2255.
 * Everything that is heard is placed in it; a receiver maps it to its own monotonic clock.
 */
export type MediaTime = number & z.$brand<'MediaTime'>;

/** Is it a whole number of microseconds from 0 up? */
export function isMediaTime(value: number): value is MediaTime {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Reads a number of microseconds as media time. Throws a RangeError unless it is a whole number from 0 up. */
export function mediaTime(microseconds: number): MediaTime {
  if (!isMediaTime(microseconds)) throw new RangeError(`${microseconds} is no media time`);
  return microseconds;
}

/** Moves a media time by a number of microseconds (rounded to whole ones). */
export function addUs(time: MediaTime, deltaUs: number): MediaTime {
  return mediaTime(Math.round(time + deltaUs));
}

/** Moves a media time by a number of milliseconds. */
export function addMs(time: MediaTime, deltaMs: number): MediaTime {
  return addUs(time, deltaMs * 1000);
}

/** Converts a date in milliseconds since 1970 to media time. */
export function fromUnixMs(unixMs: number): MediaTime {
  return mediaTime(Math.round(unixMs * 1000));
}

/** Converts media time to milliseconds since 1970, for Date and databases. */
export function toUnixMs(time: MediaTime): number {
  return time / 1000;
}
