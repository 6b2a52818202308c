import * as fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { Resampler } from './resampler.ts';
import type { Source } from './source.ts';
import { MAX_CORRECTION, RESTART_ABOVE_US, Steering } from './steering.ts';
import { NOON } from './test-rig.ts';
import { distortionDb } from './distortion.ts';

/** A source that is a function of its position, in chunks of changing length. */
function sourceOf(signal: (sample: number) => number): Source & { seeks: number } {
  let position = 0;
  let turn = 0;
  return {
    seeks: 0,
    seek(sample) {
      position = sample;
      this.seeks += 1;
    },
    next() {
      turn += 1;
      const chunk = Float32Array.from({ length: [960, 1, 317][turn % 3] ?? 1 }, (_, index) =>
        signal(position + index),
      );
      position += chunk.length;
      return chunk;
    },
    close() {},
  };
}

const tone =
  (hz: number) =>
  (sample: number): number =>
    0.5 * Math.sin((2 * Math.PI * hz * sample) / 48_000);

function readAll(source: Source, position: number, step: number, blocks: number): Float32Array {
  const resampler = new Resampler(source);
  const out = new Float32Array(blocks * 960);
  for (let block = 0; block < blocks; block += 1) {
    resampler.read(position + block * 960 * step, step, out.subarray(block * 960, (block + 1) * 960));
  }
  return out;
}

describe('the resampler', () => {
  it.each([
    { hz: 1_000, ppm: 100, atMostDb: -100 },
    { hz: 1_000, ppm: -300, atMostDb: -100 },
    { hz: 10_000, ppm: 100, atMostDb: -95 },
    { hz: 15_000, ppm: 100, atMostDb: -90 },
  ])('adds less than $atMostDb dB to $hz Hz at $ppm ppm', ({ hz, ppm, atMostDb }) => {
    const step = 1 + ppm * 1e-6;
    // Whole periods in the output, so that the fit is exact.
    const samples = 480 * 100;
    const out = readAll(sourceOf(tone(hz)), 100.25, step, samples / 960);
    expect(distortionDb(out, hz * step)).toBeLessThan(atMostDb);
  });

  it('is exact at whole positions', () => {
    const out = readAll(sourceOf(tone(440)), 1_000, 1, 3);
    const expected = Float32Array.from({ length: out.length }, (_, index) =>
      Math.fround(tone(440)(1_000 + index)),
    );
    expect(out.every((value, index) => Math.abs(value - (expected[index] ?? 0)) < 1e-6)).toBe(true);
  });

  it('places the source once, and again only after a jump', () => {
    const source = sourceOf(tone(440));
    const resampler = new Resampler(source);
    const out = new Float32Array(960);
    for (let block = 0; block < 10; block += 1) resampler.read(block * 960, 1, out);
    expect(source.seeks).toBe(1);
    resampler.read(500_000, 1, out);
    resampler.read(500_960, 1, out);
    expect(source.seeks).toBe(2);
    resampler.read(0, 1, out);
    expect(source.seeks).toBe(3);
  });

  it('gives what the source has there for any position, step and jump', () => {
    const read = fc.record({
      jump: fc.oneof(fc.constant(0), fc.double({ min: -5_000, max: 5_000, noNaN: true })),
      ppm: fc.double({ min: -600, max: 600, noNaN: true }),
      count: fc.integer({ min: 1, max: 960 }),
    });
    fc.assert(
      fc.property(fc.array(read, { minLength: 1, maxLength: 20 }), (reads) => {
        const resampler = new Resampler(sourceOf(tone(700)));
        let position = 10_000;
        for (const { jump, ppm, count } of reads) {
          position += jump;
          const out = new Float32Array(count);
          resampler.read(position, 1 + ppm * 1e-6, out);
          out.forEach((value, index) => {
            const expected = tone(700)(position + index * (1 + ppm * 1e-6));
            expect(Math.abs(value - expected)).toBeLessThan(1e-4);
          });
          position += count * (1 + ppm * 1e-6);
        }
      }),
      { numRuns: 100 * inject('soak'), seed: 7 },
    );
  });
});

describe('the steering', () => {
  const BLOCK_US = 20_000;

  it('follows a drift that begins suddenly within 0.3 ms, and learns it', () => {
    const steering = new Steering();
    let worstUs = 0;
    let lastUs = 0;
    for (let block = 0; block < 3_000; block += 1) {
      const mediaUs = Math.round(block * BLOCK_US + Math.max(0, block - 100) * BLOCK_US * 100e-6);
      const span = steering.advance(mediaTime(NOON + mediaUs), 960, () => 1);
      lastUs = Math.abs(span.base + span.offset / 0.048 - (NOON + mediaUs));
      worstUs = Math.max(worstUs, lastUs);
    }
    expect(worstUs).toBeLessThan(300);
    expect(lastUs).toBeLessThan(5);
  });

  it('begins with the drift that the timeline tells', () => {
    const steering = new Steering();
    for (let block = 0; block < 500; block += 1) {
      const at = mediaTime(Math.round(NOON + block * BLOCK_US * (1 + 80e-6)));
      const span = steering.advance(at, 960, () => 1 + 80e-6);
      expect(Math.abs(span.base + span.offset / 0.048 - at)).toBeLessThan(3);
    }
  });

  it('never changes the rate by more than its bounds, and restarts exactly above 5 ms only', () => {
    const steps = fc.array(fc.integer({ min: -12_000, max: 12_000 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(steps, (jumpsUs) => {
        const steering = new Steering();
        let mediaUs: number = NOON;
        let expectedUs: number = NOON;
        jumpsUs.forEach((jumpUs, index) => {
          mediaUs += BLOCK_US + (index === 0 ? 0 : jumpUs);
          const span = steering.advance(mediaTime(mediaUs), 960, () => 1);
          const startUs = span.base + span.offset / 0.048;
          if (index > 0) expect(span.isRestart).toBe(Math.abs(mediaUs - expectedUs) > RESTART_ABOVE_US);
          if (span.isRestart) expect(startUs).toBe(mediaUs);
          expect(Math.abs(span.step - 1)).toBeLessThanOrEqual(2 * MAX_CORRECTION + 1e-12);
          expectedUs = startUs + (960 * span.step) / 0.048;
        });
      }),
      { numRuns: 200 * inject('soak'), seed: 8 },
    );
  });
});
