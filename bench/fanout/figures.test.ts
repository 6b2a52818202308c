import { expect, test } from 'vitest';
import type { Round } from './contest.ts';
import { fanoutFigures, type Measured } from './figures.ts';

function rounds(...costs: number[]): Round[] {
  return costs.map((cpuUs) => ({
    deliveredPerSecond: 100,
    cpuUs,
    p50Ms: 1,
    p99Ms: cpuUs,
    missingPercent: 0,
    packetBytes: 300,
    longestSilenceMs: 0,
  }));
}

function measured(packetsPerSecond: number, costs: { ours: number; theirs: number }): Measured {
  return {
    load: { receivers: 1_000, packetsPerSecond, material: 'speech', frozen: 0 },
    results: new Map([
      ['send', rounds(costs.ours)],
      ['socket-write', rounds(costs.ours * 2)],
      ['stock', rounds(costs.theirs)],
      ['mosquitto', rounds(costs.theirs * 2)],
    ]),
  };
}

test('ratios are geometric means over the loads, and the heaviest load is told of apart', () => {
  const figures = fanoutFigures([
    measured(10, { ours: 5, theirs: 20 }),
    measured(60, { ours: 4, theirs: 4 }),
  ]);
  expect(figures).toEqual({
    oursVsMosquitto: 4,
    oursVsStock: 2,
    worstVsMosquitto: 2,
    worstVsStock: 1,
    tableVsStock: 1,
    tableVsMosquitto: 2,
    heldPerSecond: 100,
    p99Ms: 4,
  });
});

test('a ratio is of rounds that were played together, whatever the machine did between', () => {
  const results = new Map([
    ['send', rounds(5, 50, 5)],
    ['stock', rounds(10, 100, 15)],
  ] as const);
  const [load] = [{ receivers: 1, packetsPerSecond: 1, material: 'speech', frozen: 0 } as const];
  expect(fanoutFigures([{ load, results }]).oursVsStock).toBe(2);
});
