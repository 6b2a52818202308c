import { expect, test } from 'vitest';
import { PairErrors, type PairCounts } from '@loalang/firmware-sim';
import { failures, sumUp } from './case-result.ts';

function apart(us: number): PairCounts {
  const pairs = new PairErrors();
  pairs.add([0, us]);
  return pairs.counts;
}

test('a seed that falls short is named so that it can be played again, others are not', () => {
  const seed = (us: number, hardResyncs = 0, silentLooks = 0) => ({
    ours: apart(us),
    snapcast: apart(5_000),
    sendspin: apart(1_000),
    hardResyncs,
    cardMoves: 0,
    silentLooks,
  });
  const result = sumUp('lte', [seed(100), seed(300), seed(100, 1), seed(100, 0, 2)]);
  expect(result.ours).toEqual({ p50Ms: 0.101, p99Ms: 0.301, maxMs: 0.3 });
  expect(failures(result, 7)).toEqual([
    '--case lte --first-seed 8 --seeds 1: 0.301 0.301 0.300 ms, resyncs 0, silent 0',
    '--case lte --first-seed 9 --seeds 1: 0.101 0.101 0.100 ms, resyncs 1, silent 0',
    '--case lte --first-seed 10 --seeds 1: 0.101 0.101 0.100 ms, resyncs 0, silent 2',
  ]);
});
