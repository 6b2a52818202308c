import { z } from 'zod';
import { type MediaTime, toUnixMs } from './media-time.ts';

const clockTimeSchema = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

/** What a station may do; data of a unit, signed into each plan and enforced in the receiver too. */
export const policySchema = z.object({
  /** Offset of local time from UTC. Vietnam has had no daylight saving since 1975. */
  utcOffsetMinutes: z.number().int().min(-720).max(840),
  /** Spans of local time in which only an emergency may sound; a span may pass midnight. */
  quietHours: z.array(z.object({ from: clockTimeSchema, to: clockTimeSchema })).max(8),
});
export type Policy = z.infer<typeof policySchema>;

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
