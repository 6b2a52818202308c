// What one receiver takes of its board: a whole agent process with one live stream, beside Snapcast's client.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { perfectNetwork } from '@loalang/firmware-sim';
import { decodeVsNodeOpus } from './agent/decoding.ts';
import { playHours } from './agent/memory-slope.ts';
import { writeAgentResult, type Round } from './agent/result.ts';
import { median, report } from './measure/report.ts';
import { OurSide, SnapcastSide, type Players } from './rig/players.ts';
import { ProcessUsage } from './rig/process-usage.ts';
import { withRig } from './rig/rig.ts';

/** Joining, compiling and the first seconds of a stream are not what is asked for. */
const SETTLE_MS = 10_000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    runs: { type: 'string', default: '3' },
    hours: { type: 'string', default: '24' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const hours = Number(values.hours);
const rounds: Round[] = [];

await withRig(async (rig) => {
  const ours = new OurSide(rig);
  const snapcast = new SnapcastSide(rig);
  await ours.start();
  await snapcast.start();
  for (let run = 1; run <= Number(values.runs); run += 1) {
    const agents = await ours.startIdle(perfectNetwork, `run ${run}`);
    const show = await ours.goLive();
    const playing = await usageOf(agents);
    show.end();
    // Idle afterwards: as warm as it was while it played.
    const idle = await usageOf(agents);
    await agents.close();
    const clients = await snapcast.startPlaying(perfectNetwork, `run ${run}`);
    const theirs = await usageOf(clients);
    await clients.close();
    rounds.push({ idle, playing, snapcast: theirs });
    console.error(`run ${run}: ${JSON.stringify({ idle, playing, snapcast: theirs })}`);
  }
  await ours.close();
});

const decodeRatio = await decodeVsNodeOpus();
const memory = await playHours(hours);
const middle = (figure: (round: Round) => number): number => median(rounds.map(figure));
const figures = {
  seconds,
  runs: rounds.length,
  hours,
  cpuPercent: middle(({ idle, playing }) => playing.cpuPercent - idle.cpuPercent),
  playingCpuPercent: middle(({ playing }) => playing.cpuPercent),
  idleCpuPercent: middle(({ idle }) => idle.cpuPercent),
  snapcastCpuPercent: middle((round) => round.snapcast.cpuPercent),
  rssMB: middle(({ playing }) => playing.rssMB),
  snapcastRssMB: middle((round) => round.snapcast.rssMB),
  slopeMBPerHour: memory.slopeMBPerHour,
  decodeVsNodeOpus: decodeRatio,
};
if (values.write) writeAgentResult({ rounds, figures, memory });
report('agent', figures);

/** Of one player: the mean of the two. */
async function usageOf({ processes }: Players): Promise<Round['idle']> {
  await sleep(SETTLE_MS);
  const usages = processes.map(({ pid }) => new ProcessUsage(pid ?? 0));
  await sleep(seconds * 1_000);
  const mean = (figure: (usage: ProcessUsage) => number): number =>
    usages.reduce((sum, usage) => sum + figure(usage), 0) / usages.length;
  return { cpuPercent: mean((usage) => usage.cpuPercent), rssMB: mean((usage) => usage.rssMB) };
}
