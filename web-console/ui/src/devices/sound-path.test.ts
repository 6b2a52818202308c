import { MAX_ACOUSTIC_OFFSET_MS } from '@loalang/shared';
import { expect, it } from 'vitest';
import { metresOf, MOST_OFFSET_MS, readOffsetMs } from './sound-path.ts';

it('knows how far sound goes', () => {
  expect([0, 1, 291, 292, 1000, 2000].map(metresOf)).toEqual([0, 0, 100, 100, 343, 686]);
});

it('offers what a plan can hold', () => {
  expect(MOST_OFFSET_MS).toBe(MAX_ACOUSTIC_OFFSET_MS);
});

it.each([
  ['0', 0],
  [' 291 ', 291],
  ['2000', 2000],
  ['2001', null],
  ['-1', null],
  ['1,5', null],
  ['1e3', null],
  ['', null],
])('reads %j as %j', (typed, offsetMs) => {
  expect(readOffsetMs(typed)).toBe(offsetMs);
});
