import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

test('quantiles are those of what was added, to 0.1 ms below a second and 10 ms above', () => {
  const histogram = new Histogram();
  for (let ms = 0; ms < 100; ms += 1) histogram.add(ms + 0.05);
  expect(histogram.quantile(0.5)).toBeCloseTo(49.1);
  expect(histogram.quantile(0.99)).toBeCloseTo(98.1);
  histogram.add(2_345);
  expect(histogram.quantile(1)).toBe(2_350);
  histogram.add(1e9);
  expect(histogram.quantile(1)).toBe(100_000);
  expect(histogram.total).toBe(102);
});

test('what two counted adds up', () => {
  const [one, other] = [new Histogram(), new Histogram()];
  one.add(1);
  other.add(3);
  other.add(-1);
  one.addPairs(other.toPairs());
  expect(one.total).toBe(3);
  expect(one.quantile(0.01)).toBeCloseTo(0.1);
  expect(one.quantile(1)).toBeCloseTo(3.1);
});

test('of nothing there is no quantile', () => {
  expect(new Histogram().quantile(0.5)).toBeNaN();
});
