// Two whole receivers on two virtual sound cards, one recording of both: how far apart they play, beside Snapcast.
import { parseArgs } from 'node:util';
import { median, report } from './measure/report.ts';
import { OurSide, SnapcastSide, type StartPlayers } from './rig/players.ts';
import { withRig } from './rig/rig.ts';
import {
  caseNames,
  cases,
  MEASURED_FROM_S,
  playCase,
  type Case,
  type CaseName,
  type CaseRun,
} from './sync/case.ts';
import { measureFloor } from './sync/floor.ts';
import { writeSyncResult, type Results, type Who } from './sync/result.ts';
import { spreadOf, type Spread } from './sync/spread.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    runs: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const runs = Number(values.runs);

/** A receiver of which this is not the first start has been in service for longer than it takes to learn two crystals. */
const SERVED_S = 120;

const results: Results = {
  ours: { clean: [], jitter: [], stall: [] },
  snapcast: { clean: [], jitter: [], stall: [] },
};
const firstStarts: CaseRun[] = [];

await withRig(async (rig) => {
  const floor = await measureFloor(rig);
  const ours = new OurSide(rig);
  const snapcast = new SnapcastSide(rig);
  await ours.start();
  await snapcast.start();
  const starts: Record<Who, StartPlayers> = {
    ours: (profile, seed) => ours.startPlaying(profile, seed),
    snapcast: (profile, seed) => snapcast.startPlaying(profile, seed),
  };
  const play = async (who: Who, each: Case, run: number, note = ''): Promise<CaseRun> => {
    const played = await playCase(rig, starts[who], { case: each, seed: `run ${run}`, seconds });
    console.error(
      `run ${run} ${each.name} ${who}${note}: ${line(spreadOf(played.windows, MEASURED_FROM_S))}`,
    );
    return played;
  };
  for (let run = 1; run <= runs; run += 1)
    firstStarts.push(await play('ours', cases.clean, run, ', first start'));
  await ours.serve(SERVED_S);
  // In turns, so that what disturbs the machine disturbs both.
  for (let run = 1; run <= runs; run += 1)
    for (const name of caseNames)
      for (const who of ['ours', 'snapcast'] as const)
        results[who][name].push(await play(who, cases[name], run));
  await ours.close();
  const figures = sumUp(floor);
  if (values.write) writeSyncResult({ results, firstStarts, floor, seconds, runs });
  report('sync', figures);
});

function sumUp(floor: Spread): Record<string, number> {
  const p99Of = (played: readonly CaseRun[]): number =>
    median(played.map(({ windows }) => spreadOf(windows, MEASURED_FROM_S).p99Ms));
  const p99 = (who: Who, name: CaseName): number => p99Of(results[who][name]);
  const all = (who: Who): CaseRun[] => Object.values(results[who]).flat();
  const gaps = (who: Who): number =>
    Math.max(...all(who).map(({ windows }) => spreadOf(windows, MEASURED_FROM_S).gapsPercent));
  return {
    seconds,
    runs,
    cleanP99Ms: p99('ours', 'clean'),
    jitterP99Ms: p99('ours', 'jitter'),
    stallP99Ms: p99('ours', 'stall'),
    firstStartCleanP99Ms: p99Of(firstStarts),
    snapcastCleanP99Ms: p99('snapcast', 'clean'),
    snapcastJitterP99Ms: p99('snapcast', 'jitter'),
    snapcastStallP99Ms: p99('snapcast', 'stall'),
    gapsPercent: gaps('ours'),
    snapcastGapsPercent: gaps('snapcast'),
    floorP99Ms: floor.p99Ms,
    cpuPercent: median(all('ours').map((each) => each.cpuPercent)),
    snapcastCpuPercent: median(all('snapcast').map((each) => each.cpuPercent)),
    rssMB: median(all('ours').map((each) => each.rssMB)),
    snapcastRssMB: median(all('snapcast').map((each) => each.rssMB)),
  };
}

function line({ p50Ms, p95Ms, p99Ms, maxMs, gapsPercent }: Spread): string {
  const figures = [p50Ms, p95Ms, p99Ms, maxMs].map((ms) => ms.toFixed(3)).join(' ');
  return `p50 p95 p99 max ms ${figures}, ${gapsPercent.toFixed(1)} % without common sound`;
}
