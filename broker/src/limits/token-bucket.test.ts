import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { BucketTable, rateOf, TokenBucket } from './token-bucket.ts';

test('a bucket gives its burst at once, then its rate', () => {
  const bucket = new TokenBucket({ burst: 3, perSecond: 10 }, 0);
  expect([0, 0, 0, 0].map((at) => bucket.take(at))).toEqual([true, true, true, false]);
  expect(bucket.waitMs(0)).toBe(100);
  expect([99, 100, 100].map((at) => bucket.take(at))).toEqual([false, true, false]);
});

test('what is owed has to be paid back first, and is never more than the burst', () => {
  const bucket = new TokenBucket({ burst: 5, perSecond: 1 }, 0);
  bucket.charge(1_000, 0);
  expect(bucket.level(0)).toBe(-5);
  expect([bucket.take(5_999), bucket.take(6_001)]).toEqual([false, true]);
});

test('a clock that stands still or goes back gives nothing away', () => {
  const bucket = new TokenBucket({ burst: 1, perSecond: 1_000 }, 5_000);
  expect([bucket.take(5_000), bucket.take(4_000), bucket.take(4_000)]).toEqual([true, false, false]);
});

test('in any span no more is given than the burst and the rate come to', () => {
  const waits = fc.array(fc.nat(50), { maxLength: 500 });
  fc.assert(
    fc.property(waits, fc.integer({ min: 1, max: 100 }), (steps, perSecond) => {
      const rate = rateOf(perSecond);
      const bucket = new TokenBucket(rate, 0);
      let now = 0;
      let given = 0;
      for (const wait of steps) {
        now += wait;
        if (bucket.take(now)) given += 1;
      }
      expect(given).toBeLessThanOrEqual(rate.burst + (now / 1000) * perSecond + 1e-6);
    }),
    { seed: 5, numRuns: 200 * inject('soak') },
  );
});

test('a table keeps keys apart, and so many of them: the one unused for longest goes', () => {
  const table = new BucketTable({ burst: 1, perSecond: 1 }, 2);
  expect([table.of('a', 0).take(0), table.of('a', 0).take(0), table.of('b', 0).take(0)]).toEqual([
    true,
    false,
    true,
  ]);
  table.of('a', 0);
  table.of('c', 0);
  expect(table.size).toBe(2);
  expect([table.of('a', 0).take(0), table.of('b', 0).take(0)]).toEqual([false, true]);
});
