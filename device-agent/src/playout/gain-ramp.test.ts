import { expect, it } from 'vitest';
import { GainRamp } from './gain-ramp.ts';
import { largestStep } from './test-rig.ts';

it('moves to its goal in a straight line, a new one from where it is, and stays there', () => {
  const ramp = new GainRamp(1, 100);
  const samples = new Float32Array(300).fill(1);
  ramp.setGoal(0);
  ramp.apply(samples.subarray(0, 50));
  ramp.setGoal(1);
  ramp.apply(samples.subarray(50));
  expect(largestStep(samples.subarray(1))).toBeLessThan(0.011);
  expect(samples[49]).toBeCloseTo(0.5, 5);
  expect(samples[99]).toBeCloseTo(0.75, 5);
  expect([...samples.subarray(150)]).toEqual(Array.from({ length: 150 }, () => 1));
});
