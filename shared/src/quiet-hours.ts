import { type MediaTime, toUnixMs } from './media-time.ts';
import type { Policy } from './policy.ts';

const MINUTES_A_DAY = 24 * 60;

function minutesOf(clockTime: string): number {
  return Number(clockTime.slice(0, 2)) * 60 + Number(clockTime.slice(3));
}

/** Tells whether a media time falls into the quiet hours of a policy. */
export function isQuiet(policy: Policy, time: MediaTime): boolean {
  const localMinute = Math.floor(toUnixMs(time) / 60_000) + policy.utcOffsetMinutes;
  const minute = ((localMinute % MINUTES_A_DAY) + MINUTES_A_DAY) % MINUTES_A_DAY;
  return policy.quietHours.some(({ from, to }) => {
    const start = minutesOf(from);
    const end = minutesOf(to);
    return start <= end ? minute >= start && minute < end : minute >= start || minute < end;
  });
}
