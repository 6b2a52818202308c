import * as fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { LOOK_AHEAD_SAMPLES, Limiter, THRESHOLD } from './limiter.ts';
import { largestStep, noise, peak, sine } from './test-rig.ts';

/** What comes out for the samples, at their own places. */
function limit(samples: Float32Array, block = 960): Float32Array {
  const limiter = new Limiter();
  const out = new Float32Array(samples.length + LOOK_AHEAD_SAMPLES);
  out.set(samples);
  for (let done = 0; done < out.length; done += block) limiter.process(out.subarray(done, done + block));
  return out.subarray(LOOK_AHEAD_SAMPLES);
}

const louder = (samples: Float32Array, gain: number): Float32Array => samples.map((value) => value * gain);

describe('the limiter', () => {
  it('leaves what is below the threshold as it is, to the bit', () => {
    const quiet = louder(noise(3, 48_000), THRESHOLD / peak(noise(3, 48_000)));
    expect(limit(quiet)).toEqual(quiet);
  });

  it('turns down within the look-ahead, not at once', () => {
    const steady = new Float32Array(9_600).fill(0.5);
    const sent = steady.map((sample, index) => (index >= 4_800 && index < 4_900 ? 4 * sample : sample));
    const gains = limit(sent).map((sample, index) => sample / (sent[index] ?? 1));
    expect(largestStep(gains.subarray(1))).toBeLessThan(2 / LOOK_AHEAD_SAMPLES);
  });

  it('lets nothing through above the threshold, however loud it comes', () => {
    for (const gain of [1, 1.5, 3, 7]) {
      expect(peak(limit(louder(sine(300, 48_000, 1), gain)))).toBeLessThanOrEqual(THRESHOLD + 1e-6);
    }
  });

  it('turns down before the loud part begins and up after it, without a step, and is then transparent again', () => {
    const samples = louder(sine(1_000, 96_000, 1), 0.5);
    samples.set(louder(sine(1_000, 4_800, 1), 2), 24_000);
    const heard = limit(samples);
    expect(largestStep(heard)).toBeLessThan(1.3 * largestStep(sine(1_000, 48_000, 1)));
    expect(heard.subarray(0, 24_000 - LOOK_AHEAD_SAMPLES)).toEqual(
      samples.subarray(0, 24_000 - LOOK_AHEAD_SAMPLES),
    );
    expect(peak(heard.subarray(24_000, 28_800))).toBeGreaterThan(0.8);
    expect(heard.subarray(72_000)).toEqual(samples.subarray(72_000));
  });

  it('does the same however it is cut into blocks', () => {
    const samples = louder(noise(8, 24_000), 4);
    expect(limit(samples, 97)).toEqual(limit(samples));
  });

  it('forgets what has not come out where it is told to', () => {
    const limiter = new Limiter();
    limiter.process(sine(300, 960));
    limiter.reset();
    const after = new Float32Array(960);
    limiter.process(after);
    expect(peak(after)).toBe(0);
  });

  it('stays within full scale and comes back, whatever comes', () => {
    const anySample = fc.oneof(fc.double(), fc.float(), fc.constantFrom(NaN, Infinity, -Infinity, 1e30, -0));
    fc.assert(
      fc.property(fc.array(anySample, { maxLength: 2_000, size: 'max' }), (hostile) => {
        const quiet = sine(200, 48_000, 0.4);
        const samples = Float32Array.from([...hostile, ...quiet]);
        const heard = limit(samples);
        expect(heard.every((value) => value >= -1 && value <= 1)).toBe(true);
        expect(heard.subarray(-4_800)).toEqual(quiet.subarray(-4_800));
      }),
      { numRuns: 60 * inject('soak'), seed: 5 },
    );
  });
});
