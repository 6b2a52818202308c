import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { HandClock } from '../testing/hand-clock.ts';
import { bootTimeUs, SleepWatch } from './sleep-watch.ts';

function makeRig(): { clock: HandClock; slept: number[]; sleep: (us: number) => void; watch: SleepWatch } {
  const clock = new HandClock();
  const slept: number[] = [];
  let asleepUs = 7e6;
  const watch = new SleepWatch({
    clock,
    // As the kernel tells it: in steps of 10 ms.
    bootUs: () => Math.floor((clock.nowUs() + asleepUs) / 10_000) * 10_000,
    onSlept: (us) => slept.push(us),
  });
  watch.start();
  return { clock, slept, sleep: (us) => (asleepUs += us), watch };
}

test('a sleep is told once, within 50 ms of waking up, to the steps of the clock', () => {
  const { clock, slept, sleep } = makeRig();
  clock.advance(10_000);
  expect(slept).toEqual([]);
  sleep(3_600e6);
  clock.advance(50);
  expect(slept).toHaveLength(1);
  expect(Math.abs((slept[0] ?? 0) - 3_600e6)).toBeLessThanOrEqual(10_000);
  clock.advance(60_000);
  expect(slept).toHaveLength(1);
});

test('whoever asks is told before the next look', () => {
  const { slept, sleep, watch } = makeRig();
  sleep(500_000);
  watch.look();
  expect(slept).toHaveLength(1);
});

test('whatever passes, sleeps add up to what was slept, and nothing is told where nothing was', () => {
  const story = fc.array(
    fc.record({ awakeMs: fc.integer({ min: 1, max: 400 }), asleepMs: fc.integer({ min: 0, max: 5_000 }) }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(story, (parts) => {
      const { clock, slept, sleep } = makeRig();
      for (const { awakeMs, asleepMs } of parts) {
        sleep(asleepMs < 41 ? 0 : asleepMs * 1000);
        clock.advance(awakeMs);
      }
      clock.advance(100);
      const realMs = parts.reduce((sum, { asleepMs }) => sum + (asleepMs < 41 ? 0 : asleepMs), 0);
      // Each reading is floored, and the first one too: what is told of all together is off by one step.
      expect(Math.abs(slept.reduce((sum, us) => sum + us, 0) / 1000 - realMs)).toBeLessThanOrEqual(10);
      if (realMs === 0) expect(slept).toEqual([]);
    }),
    { seed: 17, numRuns: 100 * inject('soak') },
  );
});

test('a process that was held up between two readings has not slept', () => {
  const clock = new HandClock();
  const slept: number[] = [];
  let heldUpMs = 0;
  const watch = new SleepWatch({
    clock,
    bootUs: () => {
      const us = clock.nowUs();
      clock.advance(heldUpMs);
      return us + heldUpMs * 1000;
    },
    onSlept: (us) => slept.push(us),
  });
  heldUpMs = 400;
  watch.look();
  expect(slept).toEqual([]);
});

test('the system tells the time since its boot to some hundredths of a second', () => {
  const before = bootTimeUs();
  expect(Number.isFinite(before)).toBe(true);
  expect(bootTimeUs()).toBeGreaterThanOrEqual(before);
});
