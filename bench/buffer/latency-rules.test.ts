import { expect, test } from 'vitest';
import type { Arrival } from './arrivals.ts';
import { interruptions, ipdvP99Ms, pdvP99Ms, rfc3550JitterMs } from './arrival-figures.ts';
import { latePercent, likeNetEq, moonBoundMs, oracleMs, settingsAfter } from './latency-rules.ts';

/** 2,000 packets that take 50 ms, but for those that are named. */
function arrivals(slow: Readonly<Record<number, number>>): Arrival[] {
  return Array.from({ length: 2_000 }, (_, index) => ({ sentMs: index * 60, onWayMs: slow[index] ?? 50 }));
}

test('the oracle may lose one in a thousand, and no more', () => {
  expect(oracleMs(arrivals({ 3: 900, 7: 800 }))).toBe(50);
  expect(oracleMs(arrivals({ 3: 900, 7: 800, 9: 700 }))).toBe(700);
});

test('the settings are the lowest candidates that lose as much as is borne', () => {
  expect(settingsAfter(arrivals({}))).toEqual({ fast: 400, balanced: 400, sure: 400 });
  const slow = arrivals({ 3: 900, 7: 800, 9: 750 });
  expect(settingsAfter(slow)).toEqual({ fast: 400, balanced: 821, sure: 1_232 });
});

test('late packets are counted beyond the latency', () => {
  expect(latePercent(arrivals({ 3: 900, 7: 700 }), 700)).toBeCloseTo(0.05);
});

test('with steady arrivals a rule like NetEQ stays within a bucket of the delay', () => {
  const { meanMs, latePercent: late } = likeNetEq(arrivals({}), arrivals({}));
  expect(late).toBe(0);
  expect(meanMs).toBeCloseTo(70);
});

test('the bound spends its losses where they save most', () => {
  // Talkspurts of 20: three slow packets, two of them may be lost, the 500 ms remain in one of a hundred.
  expect(moonBoundMs(arrivals({ 5: 900, 105: 800, 205: 500 }))).toBeCloseTo((99 * 50 + 500) / 100);
});

test('figures of arrivals by hand', () => {
  const some = arrivals({ 10: 2_000, 11: 1_940, 12: 1_880, 13: 1_820, 900: 1_500 });
  expect(interruptions(some, 1_200)).toEqual({ count: 1, longestMs: 240 });
  expect(pdvP99Ms(some)).toBe(0);
  expect(ipdvP99Ms(some)).toBe(0);
  expect(rfc3550JitterMs(arrivals({}))).toBe(0);
});
