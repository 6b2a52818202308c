import * as fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { MAX_CORRECTION, Steering } from './steering.ts';
import type { Span } from './steering.ts';
import { NOON } from './test-rig.ts';

const BLOCK = 960;
const BLOCK_US = 20_000;

/** What the sample heard at the beginning of a block is of, in microseconds after noon. */
const contentUs = ({ base, offset }: Span): number => base - NOON + offset / 0.048;

it('learns the drift of a card that it was told nothing of, until no error is left', () => {
  const steering = new Steering();
  let errorUs = Infinity;
  for (let block = 0; block < 60 * 50; block += 1) {
    const atUs = block * BLOCK_US * (1 + 100e-6);
    errorUs = contentUs(steering.advance(mediaTime(NOON + Math.round(atUs)), BLOCK, () => 1)) - atUs;
  }
  expect(Math.abs(errorUs)).toBeLessThan(20);
});

describe('an acoustic offset', () => {
  it.each([
    { what: 'a card that keeps time', driftPpm: 0 },
    { what: 'a slow card', driftPpm: 90 },
    { what: 'a fast card', driftPpm: -90 },
  ])(
    'is reached by slewing alone on $what: no step, no more than 300 ppm, exactly, and kept',
    ({ driftPpm }) => {
      const steering = new Steering();
      const slope = 1 + driftPpm * 1e-6;
      let expectedUs = 0;
      let lagUs = 0;
      for (let block = 0; block < 20_000; block += 1) {
        if (block === 1_000) steering.aim(50_000);
        if (block === 12_000) steering.aim(20_000);
        const mediaUs = Math.round(block * BLOCK_US * slope);
        const span = steering.advance(mediaTime(NOON + mediaUs), BLOCK, () => slope);
        expect(span.isRestart).toBe(false);
        expect(contentUs(span)).toBeCloseTo(expectedUs, 3);
        expect(Math.abs(span.step - slope)).toBeLessThanOrEqual(MAX_CORRECTION * 1.01);
        expectedUs = contentUs(span) + (BLOCK * span.step) / 0.048;
        lagUs = mediaUs - contentUs(span);
        // 50 ms at 300 ppm take 167 s, which is 8,333 blocks.
        if (block === 9_250) expect(lagUs).toBeLessThan(50_000 - 30);
        if (block > 9_400 && block < 12_000) expect(Math.abs(lagUs - 50_000)).toBeLessThan(3);
      }
      expect(Math.abs(lagUs - 20_000)).toBeLessThan(3);
      expect(steering.delayUs).toBe(20_000);
    },
  );

  it('is taken at once when it is settled in silence', () => {
    const steering = new Steering();
    steering.advance(NOON, BLOCK, () => 1);
    steering.aim(291_000);
    steering.settle();
    expect(contentUs(steering.advance(mediaTime(NOON + BLOCK_US), BLOCK, () => 1))).toBe(BLOCK_US - 291_000);
    expect(contentUs(steering.advance(mediaTime(NOON + 2 * BLOCK_US), BLOCK, () => 1))).toBeCloseTo(
      -251_000,
      6,
    );
  });

  it('is no reason to jump, even where the clock is', () => {
    const steering = new Steering();
    steering.advance(NOON, BLOCK, () => 1);
    steering.aim(1_000_000);
    const before = steering.delayUs;
    const span = steering.advance(mediaTime(NOON + BLOCK_US + 8_000), BLOCK, () => 1);
    expect(span.isRestart).toBe(true);
    expect(contentUs(span)).toBeCloseTo(BLOCK_US + 8_000 - before, 0);
  });

  it('is never exceeded nor left, whatever is asked and however the clock moves', () => {
    const asks = fc.array(
      fc.record({
        offsetMs: fc.integer({ min: 0, max: 2_000 }),
        jumpUs: fc.integer({ min: -400, max: 400 }),
      }),
      { minLength: 1, maxLength: 100 },
    );
    fc.assert(
      fc.property(asks, (list) => {
        const steering = new Steering();
        let mediaUs: number = NOON;
        let expectedUs: number | null = null;
        for (const { offsetMs, jumpUs } of list) {
          mediaUs += BLOCK_US + jumpUs;
          steering.aim(offsetMs * 1000);
          const before = steering.delayUs;
          const span: Span = steering.advance(mediaTime(mediaUs), BLOCK, () => 1);
          const startUs = contentUs(span);
          if (expectedUs !== null && !span.isRestart) expect(startUs).toBeCloseTo(expectedUs, 3);
          const movedUs = steering.delayUs - before;
          expect(Math.abs(movedUs)).toBeLessThanOrEqual(2 * MAX_CORRECTION * BLOCK_US + 1e-6);
          expect(movedUs * (offsetMs * 1000 - before)).toBeGreaterThanOrEqual(0);
          expect(Math.abs(span.step - 1)).toBeLessThanOrEqual(2 * MAX_CORRECTION + 1e-12);
          expectedUs = startUs + (BLOCK * span.step) / 0.048;
        }
      }),
      { numRuns: 200 * inject('soak'), seed: 12 },
    );
  });
});
