import { expect, test } from 'vitest';
import type { Line } from './line.ts';
import { timeHealthOf } from './time-health.ts';

const line = (pullUs: number): Line => ({
  bootId: 'a',
  epoch: 1,
  monotonicUs: 0,
  mediaUs: 1e15,
  pullUs,
  apartUs: 0,
});
const well = { isKept: true, isSynchronised: true };

test.each([
  ['all is well', 1_000_000, well, [], 1_000],
  ['the kernel does not tell', 0, { ...well, isSynchronised: null }, [], 0],
  ['the clock is ahead', 1_000_001, well, ['off'], 1_000],
  ['the clock is behind', -3_600_000_000, well, ['off'], -3_600_000],
  ['nothing keeps the clock right', -4_000, { ...well, isSynchronised: false }, ['unsynchronised'], -4],
  [
    'all at once, the worst first',
    2e6,
    { isKept: false, isSynchronised: false },
    ['unkept', 'off', 'unsynchronised'],
    2_000,
  ],
])('says what is wrong with the time: %s', (_what, pullUs, seen, alarms, offsetMs) => {
  expect(timeHealthOf(line(pullUs), seen)).toEqual({ alarms, offsetMs });
});
