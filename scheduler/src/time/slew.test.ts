import { mediaTime } from '@loalang/shared';
import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { ManualClock, MediaClock } from './index.ts';
import { slew } from './slew.ts';

const state = { mediaUs: 1_000_000_000, monotonicUs: 0 };

test.each([
  { what: 'in agreement', wallUs: 1_010_000_000, mediaUs: 1_010_000_000 },
  { what: 'ahead by an hour', wallUs: 4_610_000_000, mediaUs: 1_010_001_000 },
  { what: 'behind by an hour', wallUs: 0, mediaUs: 1_009_999_000 },
  { what: 'off by less than it can be read', wallUs: 1_010_000_900, mediaUs: 1_010_000_000 },
])('ten seconds later with the system clock $what', ({ wallUs, mediaUs }) => {
  expect(slew(state, { wallUs, monotonicUs: 10_000_000 }).mediaUs).toBeCloseTo(mediaUs, 6);
});

test('media time never goes back and never runs more than 100 ppm off, whatever the system clock does', () => {
  const step = fc.record({ elapsedUs: fc.nat(60_000_000), wallUs: fc.nat(2 ** 50) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      let current = state;
      for (const { elapsedUs, wallUs } of steps) {
        const next = slew(current, { wallUs, monotonicUs: current.monotonicUs + elapsedUs });
        const gained = next.mediaUs - current.mediaUs;
        expect(gained).toBeGreaterThanOrEqual(elapsedUs * (1 - 101e-6) - 1);
        expect(gained).toBeLessThanOrEqual(elapsedUs * (1 + 101e-6) + 1);
        current = next;
      }
    }),
    { seed: 7, numRuns: 200 * inject('soak') },
  );
});

test('a system clock that was 50 ms off is reached after 500 s and kept', () => {
  let monotonicUs = 0;
  let wallUs = 5_000_000_000;
  const clock = new MediaClock(() => ({ wallUs, monotonicUs }));
  wallUs += 50_000;
  for (let second = 0; second < 600; second += 1) {
    monotonicUs += 1_000_000;
    wallUs += 1_000_000;
    clock.now();
  }
  expect(Math.abs(clock.offsetUs())).toBeLessThanOrEqual(1_000);
});

test('a manual clock rings timers in order and at their own time', () => {
  const clock = new ManualClock(mediaTime(0));
  const rung: string[] = [];
  clock.after(20, () => rung.push(`b at ${clock.now()}`));
  clock.after(10, () => rung.push(`a at ${clock.now()}`));
  clock.after(15, () => rung.push('never')).cancel();
  clock.advance(30);
  expect(rung).toEqual(['a at 10000', 'b at 20000']);
});
