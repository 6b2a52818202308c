import type { DirectionProfile, NetworkProfile } from '@loalang/firmware-sim';
import { PairOffsets, type WindowOffset } from '../measure/pair-offset.ts';
import type { Players, Rig, StartPlayers } from '../rig/players.ts';
import { ProcessUsage } from '../rig/process-usage.ts';
import { until } from '../rig/two-cards.ts';

/** What comes before counts as starting. */
export const MEASURED_FROM_S = 15;
const STALL_MS = 700;
const STALL_EVERY_MS = 20_000;
const RECORDING_SLACK_MS = 60_000;

export type CaseName = (typeof caseNames)[number];

export interface Case {
  readonly name: CaseName;
  readonly what: string;
  readonly profile: NetworkProfile;
  readonly hasStalls: boolean;
}

const way = (delayMs: number, meanMs: number): DirectionProfile => ({
  delayMs,
  jitter: meanMs === 0 ? { kind: 'none' } : { kind: 'exponential', meanMs, maxMs: 1_000 },
  capacity: { kind: 'unlimited' },
});

export const caseNames = ['clean', 'jitter', 'stall'] as const;

export const cases: Readonly<Record<CaseName, Case>> = {
  clean: {
    name: 'clean',
    what: 'no delay, no jitter',
    profile: { up: way(0, 0), down: way(0, 0) },
    hasStalls: false,
  },
  jitter: {
    name: 'jitter',
    what: '25 + exp(8) ms up, 30 + exp(10) ms down',
    profile: { up: way(25, 8), down: way(30, 10) },
    hasStalls: false,
  },
  stall: {
    name: 'stall',
    what: '25 ms up, 30 ms down, nothing for 700 ms each 20 s (each receiver at its own moments)',
    profile: { up: way(25, 0), down: way(30, 0) },
    hasStalls: true,
  },
};

/** One case once, by one of the two systems. */
export interface CaseRun {
  /** From the moment on when both were heard. */
  readonly windows: readonly WindowOffset[];
  readonly cpuPercent: number;
  readonly rssMB: number;
}

/** Starts the players, lets them play until `seconds` can be measured, and compares what was recorded. */
export async function playCase(
  { cards }: Pick<Rig, 'cards'>,
  start: StartPlayers,
  options: { readonly case: Case; readonly seed: string; readonly seconds: number },
): Promise<CaseRun> {
  await cards.record();
  const players = await start(options.case.profile, options.seed);
  const beganS = cards.recordedS;
  const stalls = options.case.hasStalls ? stall(players) : [];
  const untilRecorded = (second: number): Promise<void> =>
    until('recorded', () => cards.recordedS >= beganS + second, second * 1_000 + RECORDING_SLACK_MS);
  try {
    // One second more for the latency, and one for the comparison's reach.
    await untilRecorded(MEASURED_FROM_S);
    const usages = players.processes.map(({ pid }) => new ProcessUsage(pid ?? 0));
    await untilRecorded(MEASURED_FROM_S + options.seconds + 2);
    const [cpuPercent, rssMB] = [
      mean(usages.map((each) => each.cpuPercent)),
      mean(usages.map((each) => each.rssMB)),
    ];
    const { left, right } = await cards.take(beganS);
    return { windows: fromBothHeard(new PairOffsets().measure(left, right)), cpuPercent, rssMB };
  } finally {
    for (const timer of stalls) clearInterval(timer);
    await players.close();
  }
}

/** The windows since both were heard, and times counted from there. */
function fromBothHeard(windows: readonly WindowOffset[]): WindowOffset[] {
  const first = windows.findIndex(({ offsetMs }) => offsetMs !== null);
  if (first < 0) throw new Error('the two players were never heard together');
  const sinceS = windows[first]?.atS ?? 0;
  return windows.slice(first).map((each) => ({ ...each, atS: each.atS - sinceS }));
}

/** The links fail by turns. */
function stall({ networks }: Players): NodeJS.Timeout[] {
  const timers: NodeJS.Timeout[] = [];
  for (const [index, network] of networks.entries()) {
    const fail = (): void => {
      network.setOutage('stalled');
      timers.push(setTimeout(() => network.setOutage('none'), STALL_MS));
    };
    const offsetMs = (index * STALL_EVERY_MS) / networks.length;
    timers.push(setTimeout(() => timers.push(setInterval(fail, STALL_EVERY_MS)), offsetMs));
  }
  return timers;
}

function mean(figures: readonly number[]): number {
  return figures.reduce((sum, each) => sum + each, 0) / figures.length;
}
