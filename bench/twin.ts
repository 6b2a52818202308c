// The timing twin: the agent's clock, exchange and steering on virtual boards, cards and links, with the truth beside them.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PairErrors } from '@loalang/firmware-sim';
import { median, report } from './measure/report.ts';
import { allCases } from './twin/cases.ts';
import { afterOutageS, asymmetrySlope, coldStartS, holdoverMs } from './twin/moments.ts';
import type { PairResult } from './twin/pair-case.ts';
import { doAll } from './twin/work.ts';

const { values } = parseArgs({
  options: {
    traces: { type: 'string' },
    seeds: { type: 'string', default: '20' },
    receivers: { type: 'string', default: '20' },
    hours: { type: 'string', default: '24' },
    json: { type: 'boolean', default: false },
  },
});
const seeds = Number(values.seeds);
const size = { receivers: Number(values.receivers), hours: Number(values.hours) };
const traces = values.traces === undefined ? null : resolve(values.traces);

type Who = 'ours' | 'snapcast' | 'sendspin';
interface Spread {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}
interface CaseResult extends Readonly<Record<Who, Spread>> {
  readonly name: string;
  readonly hardResyncs: number;
  readonly cardMoves: number;
}

const names = allCases(traces).map(({ name }) => name);
const jobs = names.flatMap((caseName) =>
  Array.from({ length: seeds }, (_, index) => ({ caseName, seed: index + 1, size, traces })),
);
const done = await doAll(jobs);
const cases = names.map((name, index) => sumUp(name, done.slice(index * seeds, (index + 1) * seeds)));
for (const each of cases) console.error(line(each));

const places = Array.from({ length: seeds * size.receivers }, (_, index) => `moment ${index}`);
const worst = (measure: (seed: string) => number): number => Math.max(...places.map(measure));
report('twin', {
  seeds,
  ...size,
  cases: names.join(' '),
  ...fields('pair', 'ours'),
  ...fields('snapcastPair', 'snapcast'),
  ...fields('sendspinPair', 'sendspin'),
  hardResyncs: cases.reduce((sum, { hardResyncs }) => sum + hardResyncs, 0),
  coldStartS: worst(coldStartS),
  afterOutageS: worst(afterOutageS),
  holdoverMs: worst(holdoverMs),
  asymmetrySlope: median(Array.from({ length: seeds }, (_, index) => asymmetrySlope(`slope ${index}`))),
});

function sumUp(name: string, results: readonly PairResult[]): CaseResult {
  const spread = (who: Who): Spread => {
    const pairs = new PairErrors();
    for (const result of results) pairs.merge(result[who]);
    const [p50Ms, p99Ms] = [pairs.quantileUs(0.5) / 1000, pairs.quantileUs(0.99) / 1000];
    return { p50Ms, p99Ms, maxMs: pairs.maxUs / 1000 };
  };
  const hardResyncs = results.reduce((sum, each) => sum + each.hardResyncs, 0);
  return {
    name,
    ours: spread('ours'),
    snapcast: spread('snapcast'),
    sendspin: spread('sendspin'),
    hardResyncs,
    cardMoves: results.reduce((sum, each) => sum + each.cardMoves, 0),
  };
}

/** The worst of all cases: a target that is met in one of them only is not met. */
function fields(prefix: string, who: Who): Record<string, number> {
  return {
    [`${prefix}P50Ms`]: Math.max(...cases.map((each) => each[who].p50Ms)),
    [`${prefix}P99Ms`]: Math.max(...cases.map((each) => each[who].p99Ms)),
    [`${prefix}MaxMs`]: Math.max(...cases.map((each) => each[who].maxMs)),
  };
}

function line({ name, ours, snapcast, sendspin, hardResyncs, cardMoves }: CaseResult): string {
  const of = ({ p50Ms, p99Ms, maxMs }: Spread): string =>
    [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(3).padStart(7)).join(' ');
  return `${name.padEnd(30)} p50 p99 max ms: ${of(ours)} | Snapcast ${of(snapcast)} | Sendspin ${of(sendspin)} | resyncs ${hardResyncs}, moves ${cardMoves}`;
}
