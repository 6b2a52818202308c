import { expect, test } from 'vitest';
import { hiss } from '../material/hiss.ts';
import { PairOffsets } from './pair-offset.ts';

const SECONDS = 4;
const sound = Float32Array.from(hiss(SECONDS), (sample) => sample / 32_768);

/** Later by so many samples: by whole ones, and the rest in the frequency domain's stead by a line between two. */
function later(samples: Float32Array, by: number): Float32Array {
  return samples.map((_, index) => samples[index - by] ?? 0);
}

test.each([0, 1, 24, -480, 9_600])('finds a shift of %d samples', (by) => {
  const offsets = new PairOffsets().measure(sound, later(sound, by));
  expect(offsets.length).toBe(6);
  for (const { offsetMs } of offsets) expect(offsetMs).toBeCloseTo(by / 48, 3);
});

test('finds half a sample', () => {
  const [half] = [sound.map((sample, index) => (sample + (sound[index - 1] ?? 0)) / 2)];
  for (const { offsetMs } of new PairOffsets().measure(sound, half))
    expect(offsetMs).toBeCloseTo(0.5 / 48, 3);
});

test('says nothing where one is silent or plays something else', () => {
  const silent = new Float32Array(sound.length);
  const backwards = sound.toReversed();
  for (const other of [silent, backwards])
    for (const { offsetMs } of new PairOffsets().measure(sound, other)) expect(offsetMs).toBeNull();
});
