// The timing twin: the agent's clock, exchange and steering on virtual boards, cards and links, with the truth beside them.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { median, report } from './measure/report.ts';
import { failures, sumUp, type CaseResult, type Spread, type Who } from './twin/case-result.ts';
import { allCases, BUSY_CASE } from './twin/cases.ts';
import { afterOutageS, asymmetrySlope, coldStartS, holdoverMs } from './twin/moments.ts';
import { replayLine, writeTwinResult } from './twin/result.ts';
import { doAll } from './twin/work.ts';

const { values } = parseArgs({
  options: {
    traces: { type: 'string' },
    case: { type: 'string' },
    'first-seed': { type: 'string', default: '1' },
    seeds: { type: 'string', default: '20' },
    receivers: { type: 'string', default: '20' },
    hours: { type: 'string', default: '24' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const seeds = Number(values.seeds);
const size = { receivers: Number(values.receivers), hours: Number(values.hours) };
const traces = values.traces === undefined ? null : resolve(values.traces);

const firstSeed = Number(values['first-seed']);

const names = allCases(traces)
  .map(({ name }) => name)
  .filter((name) => name === (values.case ?? name));
if (names.length === 0) throw new Error(`there is no case ${values.case}`);
const jobs = names.flatMap((caseName) =>
  Array.from({ length: seeds }, (_, index) => ({ caseName, seed: firstSeed + index, size, traces })),
);
const done = await doAll(jobs);
const cases = names.map((name, index) => sumUp(name, done.slice(index * seeds, (index + 1) * seeds)));
for (const each of cases) {
  console.error(line(each));
  for (const failure of failures(each, firstSeed)) tell(failure);
}

const places = Array.from({ length: seeds * size.receivers }, (_, index) => `moment ${index}`);
const moments = {
  coldStartS: worst('coldStartS', coldStartS, 5),
  afterOutageS: worst('afterOutageS', afterOutageS, 2),
  holdoverMs: worst('holdoverMs', holdoverMs, 5),
  asymmetrySlope: median(Array.from({ length: seeds }, (_, index) => asymmetrySlope(`slope ${index}`))),
};
if (values.write) {
  const words = Object.entries(moments).map(([name, figure]) => `${name} ${figure.toFixed(2)}`);
  writeTwinResult({
    command: `npm run -s bench -- twin ${process.argv.slice(2).map(withoutPath).join(' ')}`,
    cases,
    size: { seeds, ...size },
    places,
    moments: `Worst of ${places.length} receivers (asymmetry: median of ${seeds}): ${words.join(', ')}.`,
  });
}
report('twin', {
  seeds,
  ...size,
  cases: names.join(' '),
  ...fields('pair', 'ours'),
  ...fields('snapcastPair', 'snapcast'),
  ...fields('sendspinPair', 'sendspin'),
  ...fields('busyCardPair', 'ours', true),
  hardResyncs: cases.reduce((sum, { hardResyncs }) => sum + hardResyncs, 0),
  silentLooks: cases.reduce((sum, { silentLooks }) => sum + silentLooks, 0),
  ...moments,
});

/** Where the recordings lay is nobody's business but this machine's. */
function withoutPath(argument: string): string {
  return argument === values.traces ? 'DIR' : argument;
}

function tell(failure: string): void {
  const withTraces = traces === null ? '' : `--traces ${traces} `;
  console.error(replayLine(withTraces + failure, { seeds, ...size }));
}

function worst(name: string, measure: (seed: string) => number, target: number): number {
  const figures = places.map(measure);
  for (const [index, figure] of figures.entries())
    if (figure > target) tell(`(${name} ${figure} of the receiver seeded '${places[index]}')`);
  return Math.max(...figures);
}

/** The worst of all cases: a target that is met in one of them only is not met. The busy card is told of apart. */
function fields(prefix: string, who: Who, isBusy = false): Record<string, number> {
  const judged = cases.filter(({ name }) => (name === BUSY_CASE) === isBusy);
  if (judged.length === 0) return {};
  return {
    [`${prefix}P50Ms`]: Math.max(...judged.map((each) => each[who].p50Ms)),
    [`${prefix}P99Ms`]: Math.max(...judged.map((each) => each[who].p99Ms)),
    [`${prefix}MaxMs`]: Math.max(...judged.map((each) => each[who].maxMs)),
  };
}

function line({ name, ours, snapcast, sendspin, ...counts }: CaseResult): string {
  const of = ({ p50Ms, p99Ms, maxMs }: Spread): string =>
    [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(3).padStart(7)).join(' ');
  return `${name.padEnd(30)} p50 p99 max ms: ${of(ours)} | Snapcast ${of(snapcast)} | Sendspin ${of(sendspin)} | resyncs ${counts.hardResyncs}, moves ${counts.cardMoves}, silent ${counts.silentLooks}`;
}
