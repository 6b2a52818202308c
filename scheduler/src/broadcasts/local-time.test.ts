import { addMs, fromUnixMs } from '@loalang/shared';
import { expect, test } from 'vitest';
import { formatLocalTime, quietHoursMet, startOfLocalDay } from './local-time.ts';

const night = { from: '21:00', to: '05:00' };
const noon = { from: '11:30', to: '13:00' };
const policy = { utcOffsetMinutes: 420, quietHours: [night, noon] };
/** Vietnam is seven hours ahead of UTC. */
const local = (day: number, hour: number, minute = 0, second = 0) =>
  fromUnixMs(Date.UTC(2026, 10, day, hour - 7, minute, second));

test('a local day begins at local midnight', () => {
  expect(startOfLocalDay(local(24, 3), policy)).toBe(local(24, 0));
  expect(startOfLocalDay(local(24, 23, 59), policy)).toBe(local(24, 0));
});

test.each([
  { time: local(24, 17, 20), text: '17:20' },
  { time: local(24, 0, 5), text: '00:05' },
  { time: local(23, 17, 20), text: '17:20 23/11' },
])('$text is said for a time seen on the 24th', ({ time, text }) => {
  expect(formatLocalTime(time, local(24, 18), policy)).toBe(text);
});

test.each([
  { what: 'in the morning', start: local(24, 6), minutes: 60, met: null },
  { what: 'at night', start: local(24, 3, 15), minutes: 1, met: night },
  { what: 'that runs into the night', start: local(24, 20, 50), minutes: 11, met: night },
  { what: 'that ends as the night begins', start: local(24, 20, 50), minutes: 10, met: null },
  { what: 'that begins as the night ends', start: local(24, 5), minutes: 10, met: null },
  { what: 'around a whole noon', start: local(24, 11), minutes: 180, met: noon },
  { what: 'from the middle of a minute', start: local(24, 11, 29, 30), minutes: 1, met: noon },
])('a broadcast $what meets the right quiet hours', ({ start, minutes, met }) => {
  expect(quietHoursMet(policy, start, addMs(start, minutes * 60_000))).toEqual(met);
});
