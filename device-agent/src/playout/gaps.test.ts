import { describe, expect, test } from 'vitest';
import { findGaps, type Held, type HeldFrame } from './gaps.ts';

const FRAME_US = 20_000;
const START = 1_000_000_000;
const at = (frame: number): number => START + frame * FRAME_US;
const frame = (sequence: number, place = sequence): HeldFrame => ({ sequence, startUs: at(place) });

const held = (passed: HeldFrame | null, frames: readonly HeldFrame[], endUs: number | null = null): Held => ({
  startUs: START,
  passed,
  frames,
  endUs,
});

interface Case {
  readonly what: string;
  readonly held: Held;
  readonly now?: number;
  readonly tailUntil?: number;
  readonly gaps: readonly (readonly [sequence: number, frames: number, place: number])[];
}

const cases: readonly Case[] = [
  { what: 'an empty buffer', held: held(null, []), tailUntil: 50, gaps: [] },
  { what: 'frames that follow each other', held: held(frame(4), [frame(5), frame(6)]), gaps: [] },
  { what: 'a hole', held: held(null, [frame(0), frame(3)]), gaps: [[1, 2, 1]] },
  { what: 'a hole after the last frame taken out', held: held(frame(4), [frame(8)]), gaps: [[5, 3, 5]] },
  {
    what: 'two holes',
    held: held(null, [frame(0), frame(2), frame(5)]),
    gaps: [
      [1, 1, 1],
      [3, 2, 3],
    ],
  },
  { what: 'intended silence', held: held(frame(4), [frame(5, 30)]), gaps: [] },
  {
    what: 'a hole beside intended silence: as late as it can be',
    held: held(frame(4), [frame(7, 30)]),
    gaps: [[5, 2, 28]],
  },
  { what: 'more numbers than fit', held: held(frame(4), [frame(900, 7)]), gaps: [[898, 2, 5]] },
  { what: 'numbers that go back', held: held(frame(40), [frame(7, 45)]), gaps: [] },
  {
    what: 'a hole over the end of the numbers',
    held: held(frame(2 ** 32 - 2, 10), [frame(1, 13)]),
    gaps: [[2 ** 32 - 1, 2, 11]],
  },
  { what: 'who came in the middle', held: held(null, [frame(100)]), now: 90, gaps: [[90, 10, 90]] },
  {
    what: 'who came just after the beginning',
    held: held(null, [frame(3, 60)]),
    now: 10,
    gaps: [[0, 3, 57]],
  },
  {
    what: 'a stream whose start is announced later',
    held: held(null, [frame(5)]),
    now: -9,
    gaps: [[0, 5, 0]],
  },
  {
    what: 'who heard nothing while the link was gone',
    held: held(frame(7), [frame(8)]),
    tailUntil: 20,
    gaps: [[9, 11, 9]],
  },
  { what: 'an end that was said', held: held(frame(7), [frame(8)], at(9)), tailUntil: 20, gaps: [] },
  { what: 'a tail that is past', held: held(frame(7), [frame(8)]), tailUntil: 3, gaps: [] },
];

describe('what is missing', () => {
  test.each(cases)('of $what', ({ held: buffer, now, tailUntil, gaps }) => {
    const found = findGaps(buffer, at(now ?? 200), tailUntil === undefined ? null : at(tailUntil));
    expect(found).toEqual(gaps.map(([sequence, frames, place]) => ({ sequence, frames, dueUs: at(place) })));
  });
});
