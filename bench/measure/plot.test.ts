import { expect, test } from 'vitest';
import { plotSvg } from './plot.ts';

const plot = { title: 'a < b', xLabel: 's', yLabel: 'ms' };

test('a line is drawn from the lower left to the upper right, and broken where a figure is missing', () => {
  const svg = plotSvg({
    ...plot,
    lines: [
      {
        name: 'ours',
        points: [
          [0, 0],
          [5, Number.NaN],
          [8, 4],
          [10, 10],
        ],
      },
    ],
  });
  expect(svg).toContain('d="M70.0 310.0M454.0 202.0L550.0 40.0"');
  expect(svg).toContain('a &lt; b');
});

test('a logarithmic axis has a line for each power of ten, and the target stands on it', () => {
  const svg = plotSvg({
    ...plot,
    yScale: 'log',
    target: 1,
    lines: [
      {
        name: 'ours',
        points: [
          [0, 0],
          [1, 0.1],
          [2, 10],
        ],
      },
    ],
  });
  for (const tick of ['0.1', '1', '10']) expect(svg).toContain(`>${tick}</text>`);
  expect(svg).toContain('M70 175.0H550" stroke="#888" stroke-dasharray');
});

test('with nothing to show there are axes all the same', () => {
  expect(plotSvg({ ...plot, lines: [] })).toContain('</svg>');
});
