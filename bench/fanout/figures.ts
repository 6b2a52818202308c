import { median } from '../measure/report.ts';
import type { Load, Round } from './contest.ts';
import type { ContestantName } from './contestants.ts';

/** All rounds at one load, in the order in which they were played: those of one number belong together. */
export interface Measured {
  readonly load: Load;
  readonly results: ReadonlyMap<ContestantName, readonly Round[]>;
}

export function loadName({ receivers, packetsPerSecond }: Load): string {
  return `${receivers}x${packetsPerSecond}`;
}

export interface FanoutFigures {
  readonly [field: string]: number;
  /** Deliveries for each second of processor time, ours by `send` to theirs: geometric mean over the loads. */
  readonly oursVsMosquitto: number;
  readonly oursVsStock: number;
  /** The lowest of the loads. */
  readonly worstVsMosquitto: number;
  readonly worstVsStock: number;
  /** The same for ours by `socket-write`. */
  readonly tableVsStock: number;
  readonly tableVsMosquitto: number;
  /** What `send` delivered at the heaviest load, and how late. */
  readonly heldPerSecond: number;
  readonly p99Ms: number;
}

export function fanoutFigures(measured: readonly Measured[]): FanoutFigures {
  const ratios = (ours: ContestantName, theirs: ContestantName): number[] =>
    measured.map(({ results }) => ratio(results.get(ours) ?? [], results.get(theirs) ?? []));
  const heaviest = measured.toSorted((a, b) => perSecond(b.load) - perSecond(a.load))[0];
  const held = heaviest?.results.get('send') ?? [];
  return {
    oursVsMosquitto: geometricMean(ratios('send', 'mosquitto')),
    oursVsStock: geometricMean(ratios('send', 'stock')),
    worstVsMosquitto: Math.min(...ratios('send', 'mosquitto')),
    worstVsStock: Math.min(...ratios('send', 'stock')),
    tableVsStock: geometricMean(ratios('socket-write', 'stock')),
    tableVsMosquitto: geometricMean(ratios('socket-write', 'mosquitto')),
    heldPerSecond: median(held.map(({ deliveredPerSecond }) => deliveredPerSecond)),
    p99Ms: median(held.map(({ p99Ms }) => p99Ms)),
  };
}

/** How many times theirs ours delivers for the same processor time: of the rounds that were played together, the middle. */
export function ratio(ours: readonly Round[], theirs: readonly Round[]): number {
  return median(ours.map(({ cpuUs }, index) => (theirs[index]?.cpuUs ?? Number.NaN) / cpuUs));
}

export function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, each) => sum + Math.log(each), 0) / ratios.length);
}

export function perSecond({ receivers, packetsPerSecond }: Load): number {
  return receivers * packetsPerSecond;
}
