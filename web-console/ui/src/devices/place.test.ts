import { describe, expect, it } from 'vitest';
import { freeNumber, readNumber } from './place.ts';

describe('the number on the pole', () => {
  it.each([
    [[], 1],
    [[1, 2, 4], 3],
    [[2, 3], 1],
  ])('free beside %j: %d', (numbers, free) =>
    expect(freeNumber(numbers.map((number) => ({ number })))).toBe(free),
  );

  it.each([
    ['4', 4],
    [' 12 ', 12],
    ['9999', 9_999],
    ['0', null],
    ['10000', null],
    ['4a', null],
    ['-1', null],
    ['', null],
  ])('typed as %j: %s', (typed, number) => expect(readNumber(typed)).toBe(number));
});
