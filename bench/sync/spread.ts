import type { WindowOffset } from '../measure/pair-offset.ts';

/** How far apart two players were over some windows, without sign. */
export interface Spread {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Share of the windows in which they had no sound in common. */
  readonly gapsPercent: number;
}

export function spreadOf(windows: readonly WindowOffset[], fromS: number): Spread {
  const measured = windows.filter(({ atS }) => atS >= fromS);
  const apart = measured
    .flatMap(({ offsetMs }) => (offsetMs === null ? [] : [Math.abs(offsetMs)]))
    .toSorted((a, b) => a - b);
  return {
    p50Ms: quantile(apart, 0.5),
    p95Ms: quantile(apart, 0.95),
    p99Ms: quantile(apart, 0.99),
    maxMs: apart.at(-1) ?? Number.NaN,
    gapsPercent: (100 * (measured.length - apart.length)) / Math.max(1, measured.length),
  };
}

/** The nearest rank of sorted figures. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
