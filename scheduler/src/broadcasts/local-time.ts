import { addMs, fromUnixMs, isQuiet, toUnixMs, type MediaTime, type Policy } from '@loalang/shared';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** When the local day of a moment began. */
export function startOfLocalDay(time: MediaTime, { utcOffsetMinutes }: Policy): MediaTime {
  const localMs = toUnixMs(time) + utcOffsetMinutes * MINUTE_MS;
  return fromUnixMs(Math.floor(localMs / DAY_MS) * DAY_MS - utcOffsetMinutes * MINUTE_MS);
}

/** The local hour of a moment, "17:20"; with its day where that is not today's, "17:20 23/11". */
export function formatLocalTime(time: MediaTime, now: MediaTime, policy: Policy): string {
  const local = new Date(toUnixMs(time) + policy.utcOffsetMinutes * MINUTE_MS).toISOString();
  const hour = local.slice(11, 16);
  const isToday = startOfLocalDay(time, policy) === startOfLocalDay(now, policy);
  return isToday ? hour : `${hour} ${local.slice(8, 10)}/${local.slice(5, 7)}`;
}

/** The first quiet hours that a broadcast from `start` to `end` would meet; null where it meets none. */
export function quietHoursMet(
  policy: Policy,
  start: MediaTime,
  end: MediaTime,
): Policy['quietHours'][number] | null {
  if (policy.quietHours.length === 0) return null;
  // Quiet hours begin on whole minutes, so it is enough to look at the start and at each whole minute after it.
  let time = start;
  while (time < end) {
    const moment = time;
    const met = policy.quietHours.find((span) => isQuiet({ ...policy, quietHours: [span] }, moment));
    if (met !== undefined) return met;
    time = addMs(fromUnixMs(Math.floor(toUnixMs(time) / MINUTE_MS) * MINUTE_MS), MINUTE_MS);
  }
  return null;
}
