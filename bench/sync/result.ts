import { median } from '../measure/report.ts';
import type { Line, Plot } from '../measure/plot.ts';
import { writeResult } from '../measure/result-file.ts';
import { LATENCY_MS } from '../rig/players.ts';
import { caseNames, cases, MEASURED_FROM_S, type CaseName, type CaseRun } from './case.ts';
import { spreadOf, type Spread } from './spread.ts';

export type Who = 'ours' | 'snapcast';
export type Results = Readonly<Record<Who, Record<CaseName, CaseRun[]>>>;
const names: Record<Who, string> = { ours: 'Loa Làng', snapcast: 'Snapcast' };
const both = ['ours', 'snapcast'] as const;
const measures = ['p50Ms', 'p95Ms', 'p99Ms', 'maxMs', 'gapsPercent'] as const;

export interface SyncResult {
  readonly results: Results;
  /** Of ours without jitter, with empty folders. */
  readonly firstStarts: readonly CaseRun[];
  readonly floor: Spread;
  readonly seconds: number;
  readonly runs: number;
}

/** Writes `bench/results/sync.md` with a plot for each case. */
export function writeSyncResult(result: SyncResult): void {
  const { seconds, runs } = result;
  writeResult({
    name: 'sync',
    command: `npm run -s bench -- sync --seconds ${seconds} --runs ${runs} --write`,
    method: methodOf(result),
    table: [
      ['case', 'who', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms', 'windows without common sound, %'],
      ...rowsOf(result),
    ],
    plots: Object.fromEntries(caseNames.map((name) => [`sync-${name}`, plotOf(name, result)])),
  });
}

function methodOf({ results, floor, seconds, runs }: SyncResult): string {
  const priority =
    process.getuid?.() === 0
      ? 'root, so our agents may ask for real-time priority'
      : 'a user, so without real-time priority';
  return [
    'Two whole players, each into a virtual card of its own (PulseAudio; one null sink, a remapped sink for each channel),',
    'one recording of both. Windows of half a second, normalised cross-correlation with a parabola through its peak;',
    `from ${MEASURED_FROM_S} s of common sound on, ${seconds} s in each of ${runs} runs, the two systems in turns, fresh`,
    'processes each time. Both play the same hiss as Opus, get it through the same kind of shaper (a link for each',
    `player) and have the same ${LATENCY_MS} ms from the server to the ear; both play through ALSA's pulse device.`,
    `As ${priority}; Snapcast asks for none.`,
    'Ours: a live stream stamped and signed, a real broker process, agents as processes. They start as receivers that were',
    'in service before: what they learnt of the drifts of board and card in two minutes on a good network is in their',
    'journals (on a bad one it takes a quarter of an hour), and are in step with an open card when the stream begins;',
    'Snapcast has just been started. "First start": with empty folders. Median of the runs and their spread.',
    `Noise of recording and comparison (one sample in both channels): p99 ${floor.p99Ms.toFixed(4)} ms.`,
    usage(results),
  ].join('\n');
}

function rowsOf({ results, firstStarts }: SyncResult): string[][] {
  const row = (what: string, who: Who, played: readonly CaseRun[]): string[] => {
    const spreads = played.map(({ windows }) => spreadOf(windows, MEASURED_FROM_S));
    const figures = measures.map((each) => middle(spreads.map((one) => one[each])));
    return [what, names[who], ...figures];
  };
  return [
    ...caseNames.flatMap((name) =>
      both.map((who) => row(`${name} (${cases[name].what})`, who, results[who][name])),
    ),
    row('clean, first start', 'ours', firstStarts),
  ];
}

function plotOf(name: CaseName, { results }: SyncResult): Plot {
  return {
    title: `Distance of two players: ${cases[name].what}`,
    xLabel: 'seconds of common sound (first run)',
    yLabel: 'ms apart',
    yScale: 'log',
    lines: both.map((who) => curve(names[who], results[who][name][0])),
  };
}

function usage(results: Results): string {
  return both
    .map((who) => {
      const all = Object.values(results[who]).flat();
      const cpu = middle(all.map(({ cpuPercent }) => cpuPercent));
      return `${names[who]}: a player takes ${cpu} % of a core and ${middle(all.map(({ rssMB }) => rssMB))} MB.`;
    })
    .join(' ');
}

function curve(name: string, run: CaseRun | undefined): Line {
  const points = (run?.windows ?? []).map(
    ({ atS, offsetMs }) =>
      [atS, offsetMs === null ? Number.NaN : Math.max(0.001, Math.abs(offsetMs))] as const,
  );
  return { name, points };
}

/** Median, and from the smallest to the largest. */
function middle(figures: readonly number[]): string {
  const [low, high] = [Math.min(...figures), Math.max(...figures)];
  return `${median(figures).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}
