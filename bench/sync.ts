// Two whole receivers on two virtual sound cards, one recording of both: how far apart they play, beside Snapcast.
import { parseArgs } from 'node:util';
import { median, report } from './measure/report.ts';
import { OurSide, SnapcastSide, type StartPlayers } from './rig/players.ts';
import { withRig } from './rig/rig.ts';
import { cases, MEASURED_FROM_S, playCase, type CaseName, type CaseRun } from './sync/case.ts';
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

const results: Results = {
  ours: { clean: [], jitter: [], stall: [] },
  snapcast: { clean: [], jitter: [], stall: [] },
};

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
  // In turns, so that what disturbs the machine disturbs both.
  for (let run = 1; run <= runs; run += 1)
    for (const each of cases)
      for (const who of ['ours', 'snapcast'] as const) {
        const played = await playCase(rig, starts[who], { case: each, seed: `run ${run}`, seconds });
        results[who][each.name].push(played);
        console.error(`run ${run} ${each.name} ${who}: ${line(spreadOf(played.windows, MEASURED_FROM_S))}`);
      }
  await ours.close();
  const figures = sumUp(floor);
  if (values.write) writeSyncResult({ results, floor, seconds, runs });
  report('sync', figures);
});

function sumUp(floor: Spread): Record<string, number> {
  const p99 = (who: Who, name: CaseName): number =>
    median(results[who][name].map(({ windows }) => spreadOf(windows, MEASURED_FROM_S).p99Ms));
  const all = (who: Who): CaseRun[] => Object.values(results[who]).flat();
  return {
    seconds,
    runs,
    cleanP99Ms: p99('ours', 'clean'),
    jitterP99Ms: p99('ours', 'jitter'),
    stallP99Ms: p99('ours', 'stall'),
    snapcastCleanP99Ms: p99('snapcast', 'clean'),
    snapcastJitterP99Ms: p99('snapcast', 'jitter'),
    snapcastStallP99Ms: p99('snapcast', 'stall'),
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
