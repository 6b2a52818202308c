import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { MAX_FRAMES_AHEAD } from '@loalang/shared';
import type { Gap } from '../playout/index.ts';
import { RepairPlanner, type Moment } from './repair-planner.ts';

const FRAME_US = 20_000;
const at = (ms: number): Moment => ({ mediaUs: 1e12 + ms * 1000, nowUs: ms * 1000, roundTripUs: 100_000 });
/** A hole whose first frame is heard so many ms after the beginning. */
const gap = (sequence: number, frames: number, dueMs: number): Gap => ({
  sequence,
  frames,
  dueUs: 1e12 + dueMs * 1000,
});

test('each missing frame is asked for once, and again when the answer is overdue', () => {
  const planner = new RepairPlanner();
  const gaps = [gap(10, 3, 5_000), gap(20, 2, 5_200)];
  const both = [
    { sequence: 10, frames: 3 },
    { sequence: 20, frames: 2 },
  ];
  expect(planner.plan(gaps, at(0))).toEqual(both);
  expect(planner.plan(gaps, at(60))).toEqual([]);
  expect(planner.plan([...gaps, gap(30, 1, 5_400)], at(120))).toEqual([{ sequence: 30, frames: 1 }]);
  expect(planner.plan(gaps, at(499))).toEqual([]);
  expect(planner.plan(gaps, at(500))).toEqual(both);
  for (const ms of [1_000, 1_500, 2_000]) expect(planner.plan(gaps, at(ms))).toEqual(both);
  expect(planner.plan(gaps, at(2_500))).toEqual([]);
});

test.each([
  { what: 'all in time', dueMs: 101, asked: [{ sequence: 10, frames: 10 }] },
  { what: 'the first too late by a hair', dueMs: 100, asked: [{ sequence: 11, frames: 9 }] },
  { what: 'the first half too late', dueMs: 1, asked: [{ sequence: 15, frames: 5 }] },
  { what: 'all too late', dueMs: -80, asked: [] },
])('asks for what an answer can still bring: $what', ({ dueMs, asked }) => {
  expect(new RepairPlanner().plan([gap(10, 10, dueMs)], at(0))).toEqual(asked);
});

test('at most 16 ranges at once; the others come next', () => {
  const planner = new RepairPlanner();
  const gaps = Array.from({ length: 20 }, (_, index) => gap(10 * index, 1, 5_000 + 200 * index));
  const first = planner.plan(gaps, at(0));
  const second = planner.plan(gaps, at(1));
  expect(first.map(({ sequence }) => sequence / 10)).toEqual(Array.from({ length: 16 }, (_, index) => index));
  expect(second.map(({ sequence }) => sequence / 10)).toEqual([16, 17, 18, 19]);
});

test('who has asked for all it may asks for a hundred more a second later', () => {
  const planner = new RepairPlanner();
  const sizes = [0, 0, 1_000].map((ms, index) =>
    planner.plan([gap(index * 10_000, 2_000, 20_000)], at(ms)).reduce((sum, { frames }) => sum + frames, 0),
  );
  expect(sizes).toEqual([MAX_FRAMES_AHEAD, 0, 100]);
});

test('numbers go on over their end', () => {
  const planner = new RepairPlanner();
  expect(planner.plan([gap(2 ** 32 - 2, 4, 5_000)], at(0))).toEqual([{ sequence: 2 ** 32 - 2, frames: 4 }]);
  expect(planner.isExpected(0, 1, 1_000)).toBe(true);
});

test('an answer is expected for what was asked, for a while', () => {
  const planner = new RepairPlanner();
  planner.plan([gap(10, 3, 5_000)], at(0));
  const expected = (sequence: number, frames: number, ms = 100): boolean =>
    planner.isExpected(sequence, frames, ms * 1000);
  expect([expected(8, 2), expected(8, 3), expected(11, 1), expected(12, 6), expected(13, 3)]).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  expect(expected(11, 1, 11_999)).toBe(true);
  expect(expected(11, 1, 12_000)).toBe(false);
});

test('whatever is missing, what is asked for is bounded in ranges, in frames a second, in tries, and in time', () => {
  const anyGap = fc.record({
    sequence: fc.oneof(fc.nat(3_000), fc.nat(2 ** 32 - 1)),
    frames: fc.integer({ min: 1, max: 1_000 }),
    dueMs: fc.integer({ min: -2_000, max: 15_000 }),
  });
  const steps = fc.array(fc.record({ waitMs: fc.nat(2_000), gaps: fc.array(anyGap, { maxLength: 30 }) }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const planner = new RepairPlanner();
      let ms = 0;
      let asked = 0;
      for (const { waitMs, gaps } of all) {
        ms += waitMs;
        const wanted = gaps.map(({ sequence, frames, dueMs }) => gap(sequence, frames, ms + dueMs));
        const missing = planner.plan(wanted, at(ms));
        expect(missing.length).toBeLessThanOrEqual(16);
        for (const { sequence, frames } of missing) {
          expect(frames).toBeLessThanOrEqual(500);
          asked += frames;
          for (let index = 0; index < frames; index += 1) {
            const number = (sequence + index) % 2 ** 32;
            const inTime = wanted.some((each) => isInTime(each, number, at(ms)));
            expect(inTime).toBe(true);
          }
        }
        expect(asked).toBeLessThanOrEqual(MAX_FRAMES_AHEAD + (ms / 1000) * 100 + 1);
      }
    }),
    { seed: 21, numRuns: 60 * inject('soak') },
  );
});

function isInTime({ sequence, frames, dueUs }: Gap, number: number, moment: Moment): boolean {
  const index = (number - sequence + 2 ** 32) % 2 ** 32;
  return index < frames && dueUs + index * FRAME_US > moment.mediaUs + moment.roundTripUs;
}
