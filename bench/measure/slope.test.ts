import { expect, test } from 'vitest';
import { theilSenSlope } from './slope.ts';

test('is that of the line, whatever one outlier says', () => {
  const line = Array.from({ length: 11 }, (_, x) => [x, 3 + 0.5 * x] as const);
  expect(theilSenSlope(line)).toBe(0.5);
  expect(theilSenSlope([...line.slice(0, 10), [10, 1_000]])).toBeCloseTo(0.5, 12);
});
