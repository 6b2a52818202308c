// What a broker's processor spends for each packet that it hands on: ours with each writer, Aedes as it is, mosquitto, a
// bare loop of Node, in turns.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Contest, type Load, type Round } from './fanout/contest.ts';
import { contestantNames, type ContestantName, type Grounds } from './fanout/contestants.ts';
import { fanoutFigures, loadName, perSecond, type Measured } from './fanout/figures.ts';
import { writeFanoutResult } from './fanout/result.ts';
import { starters } from './fanout/starters.ts';
import { report } from './measure/report.ts';
import { Children } from './rig/children.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    load: { type: 'string' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const speech = { material: 'speech', frozen: 0 } as const;
const loads: readonly Load[] = [
  { receivers: 1_000, packetsPerSecond: 10, ...speech },
  { receivers: 1_000, packetsPerSecond: 60, ...speech },
  { receivers: 3_000, packetsPerSecond: 4, ...speech },
];
/** What receivers of one machine can decrypt beside everything else. */
const MOST_WITH_TLS = 20_000;
const withTls: ReadonlySet<ContestantName> = new Set(['tls', 'haproxy']);
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
const chosen = loads.filter((load) => values.load === undefined || loadName(load) === values.load);
const names = contestantNames.filter(
  (name) => values.only === undefined || values.only.split(',').includes(name),
);

const folder = await mkdtemp(join(tmpdir(), 'loalang-bench-'));
const children = new Children();
const measured: Measured[] = [];
try {
  for (const load of chosen) measured.push(await measure({ children, folder }, load));
} finally {
  await children.close();
  await rm(folder, { recursive: true, force: true });
}
const figures = fanoutFigures(measured);
if (values.write) writeFanoutResult({ measured, figures, seconds, rounds });
report('fanout', { seconds, rounds, ...figures });

/** All contestants at one load: connected at the same time, speaking in turns, each beginning a round in its turn. */
async function measure(grounds: Grounds, load: Load): Promise<Measured> {
  const contests: Contest[] = [];
  const here = names.filter((name) => !withTls.has(name) || perSecond(load) <= MOST_WITH_TLS);
  for (const name of here) {
    const contest = new Contest(children, await starters[name](grounds), load);
    await contest.start();
    contests.push(contest);
  }
  const results = new Map<ContestantName, Round[]>(here.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contests.length; turn += 1) {
      const contest = contests[(turn + round) % contests.length];
      if (contest === undefined) continue;
      const result = await contest.round(seconds);
      results.get(contest.contestant.name)?.push(result);
      console.error(line(load, contest.contestant.name, result));
    }
  }
  for (const contest of contests) await contest.close();
  await children.close();
  return { load, results };
}

function line(load: Load, name: ContestantName, round: Round): string {
  const { deliveredPerSecond, cpuUs, p50Ms, p99Ms, missingPercent } = round;
  const cost = `${cpuUs.toFixed(2)} us, ${Math.round(deliveredPerSecond)}/s`;
  return `${loadName(load)} ${name.padEnd(12)} ${cost}, late p50 ${p50Ms.toFixed(1)} p99 ${p99Ms.toFixed(1)} ms, missing ${missingPercent.toFixed(2)} %`;
}
