import { expect, test } from 'vitest';
import { fromUnixMs, isQuiet, type Policy } from './index.ts';

const night: Policy = { utcOffsetMinutes: 420, quietHours: [{ from: '21:00', to: '05:00' }] };
const noon: Policy = { utcOffsetMinutes: 420, quietHours: [{ from: '11:30', to: '13:00' }] };

test.each([
  { policy: night, local: '20:59:59', isQuietThen: false },
  { policy: night, local: '21:00:00', isQuietThen: true },
  { policy: night, local: '03:15:00', isQuietThen: true },
  { policy: night, local: '04:59:59', isQuietThen: true },
  { policy: night, local: '05:00:00', isQuietThen: false },
  { policy: noon, local: '11:29:59', isQuietThen: false },
  { policy: noon, local: '12:00:00', isQuietThen: true },
  { policy: noon, local: '13:00:00', isQuietThen: false },
])('at $local in Vietnam quiet hours hold: $isQuietThen', ({ policy, local, isQuietThen }) => {
  expect(isQuiet(policy, fromUnixMs(Date.parse(`2026-11-24T${local}+07:00`)))).toBe(isQuietThen);
});

test('without quiet hours no time is quiet', () => {
  expect(isQuiet({ utcOffsetMinutes: 420, quietHours: [] }, fromUnixMs(0))).toBe(false);
});
