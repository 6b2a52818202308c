import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { beginLine, continueLine, mediaUsAt, type ClockReading, type Line } from './line.ts';

const S = 1_000_000;
const HOUR = 3_600 * S;
const line: Line = { bootId: 'a', epoch: 3, monotonicUs: 50 * S, mediaUs: 1e15, pullUs: 0, apartUs: 7 * S };
/** What the clocks say so much later, with the system clock ahead of media time by so much. */
function later(elapsedUs: number, aheadUs: number, sleptUs = 0): ClockReading {
  return {
    bootId: 'a',
    wallUs: 1e15 + elapsedUs + aheadUs,
    monotonicUs: 50 * S + elapsedUs,
    apartUs: 7 * S + sleptUs,
  };
}

test.each([
  { what: 'nothing to work off', pullUs: 0, afterUs: 10 * S, mediaUs: 10 * S },
  { what: 'an hour ahead', pullUs: HOUR, afterUs: 10 * S, mediaUs: 10 * S + 1_000 },
  { what: 'an hour behind', pullUs: -HOUR, afterUs: 10 * S, mediaUs: 10 * S - 1_000 },
  { what: '2 ms ahead, which are worked off', pullUs: 2_000, afterUs: 100 * S, mediaUs: 100 * S + 2_000 },
  { what: '2 ms behind, which are worked off', pullUs: -2_000, afterUs: HOUR, mediaUs: HOUR - 2_000 },
  { what: 'a moment before the line', pullUs: HOUR, afterUs: -S, mediaUs: 0 },
])('media time by a line with $what', ({ pullUs, afterUs, mediaUs }) => {
  expect(mediaUsAt({ ...line, pullUs }, line.monotonicUs + afterUs) - line.mediaUs).toBeCloseTo(mediaUs, 0);
});

test.each([
  { what: 'agrees', reading: later(10 * S, 0), gainedUs: 10 * S, pullUs: 0 },
  { what: 'is off by less than it can be read', reading: later(10 * S, 900), gainedUs: 10 * S, pullUs: 0 },
  { what: 'was set ahead', reading: later(10 * S, HOUR), gainedUs: 10 * S, pullUs: HOUR },
  { what: 'was set back', reading: later(10 * S, -HOUR), gainedUs: 10 * S, pullUs: -HOUR },
  { what: 'repeats a leap second', reading: later(10 * S, -S), gainedUs: 10 * S, pullUs: -S },
  { what: 'went on over a sleep', reading: later(S, HOUR, HOUR), gainedUs: S + HOUR, pullUs: 0 },
  {
    what: 'was set right by 3 ms in a sleep',
    reading: later(S, HOUR - 3_000, HOUR),
    gainedUs: S + HOUR - 3_000,
    pullUs: 0,
  },
  { what: 'knows nothing of a sleep', reading: later(S, 0, HOUR), gainedUs: S, pullUs: 0 },
  { what: 'and the time since boot goes back', reading: later(S, 0, -HOUR), gainedUs: S, pullUs: 0 },
  {
    what: 'could not be read closely',
    reading: { ...later(S, HOUR, HOUR), apartUs: null },
    gainedUs: S,
    pullUs: HOUR,
  },
])('the line goes on where the system clock $what', ({ reading, gainedUs, pullUs }) => {
  const next = continueLine(line, reading);
  expect(next.mediaUs - line.mediaUs).toBe(gainedUs);
  expect(next.pullUs).toBe(pullUs);
  expect(next).toMatchObject({ bootId: 'a', epoch: 3, monotonicUs: reading.monotonicUs });
});

test('a sleep is carried once', () => {
  const awake = continueLine(line, later(S, HOUR, HOUR));
  expect(continueLine(awake, later(2 * S, HOUR, HOUR)).mediaUs - line.mediaUs).toBe(2 * S + HOUR);
});

test.each([
  { what: 'no line', kept: null, wallUs: 2e15, begun: { epoch: 1, mediaUs: 2e15, pullUs: 0 } },
  {
    what: 'the line of this run, whatever the system clock says',
    kept: { ...line, bootId: 'b' },
    wallUs: 2e15,
    begun: { epoch: 4, mediaUs: 1e15 + 10 * S, pullUs: 1e15 - 10 * S },
  },
  {
    what: 'a line of before the machine started anew',
    kept: line,
    wallUs: 2e15,
    begun: { epoch: 4, mediaUs: 2e15, pullUs: 0 },
  },
  {
    what: 'one that lies after the system clock, whose battery is dead',
    kept: line,
    wallUs: 1e9,
    begun: { epoch: 4, mediaUs: 1e15, pullUs: 1e9 - 1e15 },
  },
])('a time service that finds $what', ({ kept, wallUs, begun }) => {
  const reading = { bootId: 'b', wallUs, monotonicUs: 60 * S, apartUs: 7 * S };
  expect(beginLine(kept, reading)).toEqual({ bootId: 'b', monotonicUs: 60 * S, apartUs: 7 * S, ...begun });
});

test('media time never goes back and, but for sleeps, runs within 100 ppm, whatever the clocks say', () => {
  const step = fc.record({
    elapsedUs: fc.nat(60 * S),
    wallUs: fc.nat(2 ** 50),
    apartUs: fc.option(fc.integer({ min: -HOUR, max: HOUR })),
    isNewService: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      let current = line;
      for (const { elapsedUs, wallUs, apartUs, isNewService } of steps) {
        const monotonicUs = current.monotonicUs + elapsedUs;
        const reading = { bootId: 'a', wallUs, monotonicUs, apartUs };
        const next = isNewService ? beginLine(current, reading) : continueLine(current, reading);
        const gainedUs = mediaUsAt(next, monotonicUs) - mediaUsAt(current, current.monotonicUs);
        const sleptUs = Math.max(0, next.apartUs - current.apartUs);
        expect(gainedUs).toBeGreaterThanOrEqual(elapsedUs * (1 - 101e-6) - 1);
        expect(gainedUs).toBeLessThanOrEqual(elapsedUs * (1 + 101e-6) + 1 + sleptUs);
        current = next;
      }
    }),
    { seed: 7, numRuns: 200 * inject('soak') },
  );
});

test('a monotonic clock that goes back moves nothing', () => {
  expect(continueLine(line, later(-5 * S, 0)).mediaUs).toBe(line.mediaUs);
});
