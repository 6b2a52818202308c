import { median } from '../measure/report.ts';
import type { Line } from '../measure/plot.ts';
import { writeResult } from '../measure/result-file.ts';
import type { Choice, Judged } from './choose.ts';
import type { Heard } from './hear.ts';
import { sum, type LinkChoices } from './sum-up.ts';

export interface BufferResults {
  readonly runs: readonly (readonly Heard[])[];
  readonly choices: readonly LinkChoices[];
  readonly seconds: number;
  readonly seeds: number;
  readonly hasTraces: boolean;
}

/** Writes `bench/results/buffer.md` (what was heard) and `buffer-latency.md` (what was chosen), each with a plot. */
export function writeBufferResults(results: BufferResults): void {
  writeHeard(results);
  writeChosen(results);
}

function writeHeard(results: BufferResults): void {
  const { runs, seconds } = results;
  writeResult({
    name: 'buffer',
    command: commandOf(results),
    method: [
      `Whole agents, each behind a user-space shaper of its own, on the real broker; ${seconds} s of a live stream in real time,`,
      `${runs.length} runs: medians and their spread. Concealed: frames of the stream that the receiver's proof does not count as`,
      'played. Oracle: frames that come too late where the link carries nothing but the stream, in order, and no connection',
      'has to be made again; computed from when packets were meant to be sent, so the same in each run.',
      `The speaker was up to ${short(Math.max(...runs.flat().map(({ lagMs }) => lagMs)))} ms late: what the machine added.`,
    ].join('\n'),
    table: [
      ['link', 'latency ms', 'repair', 'concealed ms', 'oracle ms', 'silent ms', 'longest silence ms'],
      ...byReceiver(runs).map(heardRow),
    ],
    plots: { 'buffer-concealed': concealedPlot(runs) },
  });
}

/** The same receiver of all runs. */
function byReceiver(runs: readonly (readonly Heard[])[]): Heard[][] {
  return (runs[0] ?? []).map((_, index) => runs.flatMap((heard) => heard[index] ?? []));
}

function heardRow(some: readonly Heard[]): string[] {
  const [first] = some;
  const figure = (of: (heard: Heard) => number): string => spread(some.map(of));
  return [
    first?.link ?? '',
    String(first?.latencyMs),
    first?.asksRepair === true ? 'yes' : 'no',
    figure(({ concealedMs }) => concealedMs),
    figure(({ oracleMs }) => oracleMs),
    figure(({ silentMs }) => silentMs),
    figure(({ longestSilenceMs }) => longestSilenceMs),
  ];
}

function concealedPlot(runs: readonly (readonly Heard[])[]) {
  const latencies = [...new Set(runs.flat().map(({ latencyMs }) => latencyMs))];
  const line = (name: string, asks: boolean, field: 'concealedMs' | 'oracleMs'): Line => {
    const at = (latencyMs: number): number =>
      median(
        runs.map((heard) => {
          const some = heard.filter((each) => each.latencyMs === latencyMs && each.asksRepair === asks);
          return sum(some, field) / 1000;
        }),
      );
    return { name, points: latencies.map((latencyMs) => [latencyMs, at(latencyMs)] as const) };
  };
  return {
    title: 'Concealed over all links',
    xLabel: 'latency, ms',
    yLabel: 's',
    lines: [
      line('with repair', true, 'concealedMs'),
      line('without repair', false, 'concealedMs'),
      line('oracle', true, 'oracleMs'),
    ],
  };
}

const rules = ['fast', 'balanced', 'sure', 'fixed', 'netEq'] as const;

function writeChosen(results: BufferResults): void {
  const { choices, seeds } = results;
  writeResult({
    name: 'buffer-latency',
    command: commandOf(results),
    method: [
      `Computed arrivals of a stream through one round of each trace, from ${seeds} beginnings evenly spread over it. The first half`,
      'is learnt from, the second judged, with nothing tuned on it. For each rule: its latency over the lowest that loses 0.1 %',
      'on the judged half, median (least to most), and what it lost itself, %, median (most). fixed: 1,000 ms; netEq: 0.95',
      "quantile, forgetting 0.983, changing all the time; moon: Moon, Kurose and Towsley's bound with a latency for each",
      'talkspurt. Interruptions of 150 ms and more, the longest, with *balanced*; jitter by RFC 3550, PDV and IPDV (0.99',
      'quantiles) by RFC 5481.',
    ].join('\n'),
    table: [
      [
        'link',
        'oracle ms',
        ...rules.flatMap((rule) => [`${rule} / oracle`, 'late %']),
        'moon / oracle',
        'interruptions',
        'longest ms',
        'jitter ms',
        'PDV ms',
        'IPDV ms',
      ],
      ...choices.map(({ link, starts }) => [link, ...chosenCells(starts)]),
    ],
    plots: { 'buffer-latency': ratioPlot(choices.flatMap(({ starts }) => starts)) },
  });
}

function chosenCells(starts: readonly Choice[]): string[] {
  const middle = (of: (choice: Choice) => number): string => short(median(starts.map(of)));
  return [
    spread(starts.map(({ oracleMs }) => oracleMs)),
    ...rules.flatMap((rule) => judgedCells(starts.map((choice) => choice[rule]))),
    middle(({ moonMs, oracleMs }) => moonMs / oracleMs),
    middle(({ interruptions }) => interruptions),
    middle(({ longestMs }) => longestMs),
    middle(({ jitterMs }) => jitterMs),
    middle(({ pdvP99Ms }) => pdvP99Ms),
    middle(({ ipdvP99Ms }) => ipdvP99Ms),
  ];
}

function judgedCells(judged: readonly Judged[]): string[] {
  const late = judged.map(({ latePercent }) => latePercent);
  return [
    spread(judged.map(({ vsOracle }) => vsOracle)),
    `${short(median(late))} (${short(Math.max(...late))})`,
  ];
}

function ratioPlot(all: readonly Choice[]) {
  const line = (name: string, rule: 'balanced' | 'fixed' | 'netEq'): Line => {
    const rising = all.map((choice) => choice[rule].vsOracle).toSorted((a, b) => a - b);
    return {
      name,
      points: rising.map((ratio, index) => [(100 * (index + 1)) / rising.length, ratio] as const),
    };
  };
  return {
    title: 'Latency chosen, over the lowest that loses 0.1 %',
    xLabel: '% of all beginnings of all links',
    yLabel: 'ratio',
    yScale: 'log' as const,
    target: 1.25,
    lines: [line('balanced', 'balanced'), line('fixed 1,000 ms', 'fixed'), line('like NetEQ', 'netEq')],
  };
}

function commandOf({ runs, seconds, seeds, hasTraces }: BufferResults): string {
  const traces = hasTraces ? '--traces DIR ' : '';
  return `npm run -s bench -- buffer ${traces}--seconds ${seconds} --runs ${runs.length} --seeds ${seeds} --write`;
}

function spread(figures: readonly number[]): string {
  const [least, most] = [Math.min(...figures), Math.max(...figures)];
  const middle = short(median(figures));
  return least === most ? middle : `${middle} (${short(least)} to ${short(most)})`;
}

function short(figure: number): string {
  return String(Number(figure.toFixed(2)));
}
