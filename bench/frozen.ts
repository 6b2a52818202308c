// One subscriber that stops reading, and 99 that go on: the longest time in which one of these got nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Contest, type Load, type Round } from './fanout/contest.ts';
import { starters } from './fanout/starters.ts';
import { median, report } from './measure/report.ts';
import { Children } from './rig/children.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
/** The largest packets there are, so that the buffers of the frozen one are full after some seconds with any broker. */
const load: Load = { receivers: 100, packetsPerSecond: 50, material: 'largest', frozen: 1 };
const contestants = ['send', 'socket-write', 'stock'] as const;

const folder = await mkdtemp(join(tmpdir(), 'loalang-bench-'));
const children = new Children();
const silences: Record<(typeof contestants)[number], Round[]> = { send: [], 'socket-write': [], stock: [] };
try {
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of contestants) silences[name].push(await silence(name));
  }
} finally {
  await children.close();
  await rm(folder, { recursive: true, force: true });
}
const of = (name: (typeof contestants)[number]): number =>
  median(silences[name].map(({ longestSilenceMs }) => longestSilenceMs));
report('frozen', {
  seconds,
  rounds,
  worstSilenceMs: Math.max(of('send'), of('socket-write')),
  sendSilenceMs: of('send'),
  socketWriteSilenceMs: of('socket-write'),
  stockSilenceMs: of('stock'),
});

async function silence(name: (typeof contestants)[number]): Promise<Round> {
  const contest = new Contest(children, await starters[name]({ children, folder }), load);
  await contest.start();
  const round = await contest.round(seconds);
  console.error(`${name.padEnd(12)} longest silence ${round.longestSilenceMs.toFixed(1)} ms`);
  await contest.close();
  await children.close();
  return round;
}
