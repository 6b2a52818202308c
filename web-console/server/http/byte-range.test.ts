import { describe, expect, it } from 'vitest';
import { readByteRange } from './byte-range.ts';

describe('a Range header', () => {
  it.each([
    [undefined, { kind: 'whole' }],
    ['', { kind: 'whole' }],
    ['bytes=-', { kind: 'whole' }],
    ['items=0-1', { kind: 'whole' }],
    ['bytes=0-1,3-4', { kind: 'whole' }],
    ['bytes=5-4', { kind: 'whole' }],
    ['bytes=0-0', { kind: 'part', first: 0, last: 0 }],
    ['bytes=0-', { kind: 'part', first: 0, last: 9 }],
    ['bytes=4-6', { kind: 'part', first: 4, last: 6 }],
    ['bytes=4-600', { kind: 'part', first: 4, last: 9 }],
    ['bytes=-3', { kind: 'part', first: 7, last: 9 }],
    ['bytes=-300', { kind: 'part', first: 0, last: 9 }],
    ['bytes=10-', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
  ])('%s of ten bytes means %o', (header, expected) => {
    expect(readByteRange(header, 10)).toEqual(expected);
  });
});
