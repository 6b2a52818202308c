// One subscriber that stops reading, and 99 that go on: the longest time in which one of these got nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Contest, type Load } from './fanout/contest.ts';
import { starters } from './fanout/starters.ts';
import { median, report } from './measure/report.ts';
import { writeResult } from './measure/result-file.ts';
import { Children } from './rig/children.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
/** The largest packets there are, so that the buffers of the frozen one are full after some seconds with any broker. */
const load: Load = { receivers: 100, packetsPerSecond: 50, material: 'largest', frozen: 1 };
/** What the machine itself does to a packet now and then: nobody is frozen. */
const unfrozen: Load = { ...load, receivers: 99, frozen: 0 };
const cases = {
  send: { contestant: 'send', load },
  'socket-write': { contestant: 'socket-write', load },
  stock: { contestant: 'stock', load },
  'nobody frozen': { contestant: 'send', load: unfrozen },
} as const;
type CaseName = keyof typeof cases;

const folder = await mkdtemp(join(tmpdir(), 'loalang-bench-'));
const children = new Children();
const silencesMs: Record<CaseName, number[]> = {
  send: [],
  'socket-write': [],
  stock: [],
  'nobody frozen': [],
};
try {
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of ['send', 'socket-write', 'stock', 'nobody frozen'] as const) {
      silencesMs[name].push(await silenceMs(name));
    }
  }
} finally {
  await children.close();
  await rm(folder, { recursive: true, force: true });
}
const of = (name: CaseName): number => median(silencesMs[name]);
if (values.write) write();
report('frozen', {
  seconds,
  rounds,
  worstSilenceMs: Math.max(of('send'), of('socket-write')),
  sendSilenceMs: of('send'),
  socketWriteSilenceMs: of('socket-write'),
  stockSilenceMs: of('stock'),
  unfrozenSilenceMs: of('nobody frozen'),
});

async function silenceMs(name: CaseName): Promise<number> {
  const { contestant, load: itsLoad } = cases[name];
  const contest = new Contest(children, await starters[contestant]({ children, folder }), itsLoad);
  await contest.start();
  const { longestSilenceMs } = await contest.round(seconds);
  console.error(`${name.padEnd(13)} longest silence ${longestSilenceMs.toFixed(1)} ms`);
  await contest.close();
  await children.close();
  return longestSilenceMs;
}

function write(): void {
  const row = (name: CaseName): string[] => {
    const all = silencesMs[name];
    return [name, of(name).toFixed(1), `${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)}`];
  };
  writeResult({
    name: 'frozen',
    command: `npm run -s bench -- frozen --seconds ${seconds} --rounds ${rounds} --write`,
    method: [
      `100 subscribers, 50 packets of the largest size a second, ${seconds} s a round, the cases in turns; one subscriber stops reading at`,
      'the start. The longest time in which one of the 99 others got nothing: packets are 20 ms apart, and what the machine itself',
      'adds is in the last row.',
    ].join('\n'),
    table: [
      ['case', 'longest silence, ms, median', 'spread of the rounds'],
      row('send'),
      row('socket-write'),
      row('stock'),
      row('nobody frozen'),
    ],
    plots: {},
  });
}
