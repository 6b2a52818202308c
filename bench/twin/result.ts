import { commit, writeResult } from '../measure/result-file.ts';
import type { Line, Plot } from '../measure/plot.ts';
import { median } from '../measure/report.ts';
import { merged, spreadOf, type CaseResult, type Spread, type Who } from './case-result.ts';
import { SYNTHETIC_CASES } from './cases.ts';
import { COLD_LOOK_EACH_S, coldStartErrorsMs } from './moments.ts';

const names: Record<Who, string> = {
  ours: 'Loa Làng',
  snapcast: "Snapcast's rule",
  sendspin: "Sendspin's rule",
};
const all = ['ours', 'snapcast', 'sendspin'] as const;
/** Shares of all pairs and moments, in percent, at which the distributions are drawn. */
const PERCENTS = [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.9];

export interface TwinResult {
  readonly command: string;
  readonly cases: readonly CaseResult[];
  readonly size: { readonly seeds: number; readonly receivers: number; readonly hours: number };
  /** Seeds of receivers that start cold. */
  readonly places: readonly string[];
  /** Cold start, outage, holdover, asymmetry: in a sentence. */
  readonly moments: string;
}

/** Writes `bench/results/twin.md`: a row for each case and rule, the distributions, and the first minute after a start. */
export function writeTwinResult({ command, cases, size, places, moments }: TwinResult): void {
  writeResult({
    name: 'twin',
    command,
    method: [
      `Virtual time: ${size.seeds} seeds a case, ${size.receivers} receivers playing for ${size.hours} h, all pairs each 10 s from a`,
      'minute after the start on. Median of the seeds, and from the smallest to the largest. Ours is what the card plays, with its',
      'crystal and the reading of its delay; of the two rules only the clock is judged, as if their players were perfect. Links and',
      'cards of the cases: `bench/twin/cases.ts`. The same seed and commit give the same figures on any machine.',
      moments,
    ].join('\n'),
    table: [
      ['case', 'who', 'p50 ms', 'p99 ms', 'max ms', 'hard resyncs', 'card lines lost', 'looks in silence'],
      ...cases.flatMap(rows),
    ],
    plots: { ...distributions(cases), 'twin-cold-start': coldStart(places) },
  });
}

/** For stderr: what it takes to play a failing seed again. */
export function replayLine(failure: string, { receivers, hours }: TwinResult['size']): string {
  return `falls short at commit ${commit()}: twin --receivers ${receivers} --hours ${hours} ${failure}`;
}

function rows({ name, seeds, hardResyncs, cardMoves, silentLooks }: CaseResult): string[][] {
  return all.map((who) => {
    const spreads = seeds.map((seed) => spreadOf(merged([seed[who]])));
    const middles = (['p50Ms', 'p99Ms', 'maxMs'] as const).map((each) => middle(spreads, each));
    const counted = who === 'ours' ? [hardResyncs, cardMoves, silentLooks].map(String) : ['', '', ''];
    return [name, names[who], ...middles, ...counted];
  });
}

function middle(spreads: readonly Spread[], each: keyof Spread): string {
  const figures = spreads.map((spread) => spread[each]);
  const [low, high] = [Math.min(...figures), Math.max(...figures)];
  return `${median(figures).toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

// Recorded links have their rows; a picture for each of dozens would hide the rest.
function distributions(cases: readonly CaseResult[]): Record<string, Plot> {
  const drawn = cases.filter(({ name }) => SYNTHETIC_CASES.includes(name));
  return Object.fromEntries(
    drawn.map((result) => [
      `twin-${result.name}`,
      {
        title: `How far apart pairs are: ${result.name}`,
        xLabel: 'percent of all pairs and moments',
        yLabel: 'ms apart at most',
        yScale: 'log' as const,
        lines: all.map((who) => distribution(result, who)),
      },
    ]),
  );
}

function distribution({ seeds }: CaseResult, who: Who): Line {
  const pairs = merged(seeds.map((seed) => seed[who]));
  const points = PERCENTS.map((percent) => [percent, pairs.quantileUs(percent / 100) / 1000] as const);
  return { name: names[who], points };
}

function coldStart(places: readonly string[]): Plot {
  const errors = places.map(coldStartErrorsMs);
  const looks = errors[0]?.map((_, look) => errors.map((each) => each[look] ?? Infinity)) ?? [];
  const line = (name: string, of: (figures: readonly number[]) => number): Line => ({
    name,
    points: looks.map((figures, look) => [look * COLD_LOOK_EACH_S, of(figures)] as const),
  });
  return {
    title: 'From the truth after a cold start (round trips of 20 to 180 ms)',
    xLabel: 'seconds since the start',
    yLabel: 'ms off',
    yScale: 'log',
    target: 5,
    lines: [line('median', median), line('worst', (figures) => Math.max(...figures))],
  };
}
