// What hostile and frozen clients do to the broker's memory, and to a healthy client beside them.
import { parseArgs } from 'node:util';
import { scenes, type SceneName, type Seen } from './hostile/scene.ts';
import { report } from './measure/report.ts';
import { writeResult } from './measure/result-file.ts';
import { BrokerProcess } from './rig/broker-process.ts';
import { Children } from './rig/children.ts';
import { needOpenFiles } from './rig/open-files.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '30' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
needOpenFiles(2 * count + 100);
const children = new Children();
const figures: Record<string, number> = { count, seconds: Number(values.seconds) };
const rows: string[][] = [];
try {
  for (const name of ['frozen', 'halfOpen', 'guesses'] as const) {
    const broker = await BrokerProcess.start(children);
    const witness = await broker.witness(children);
    const halfMs = (Number(values.seconds) * 1000) / 2;
    const seen = await scenes[name]({ children, broker, witness, count, halfMs });
    const refused = await broker.metric('sign_ins_refused_total');
    const limits = await broker.metric('limits_hit_total');
    rows.push([...row(name, seen), String(refused), String(limits)]);
    console.error(rows.at(-1)?.join(' | '));
    Object.assign(figures, fields(name, seen));
    await children.close();
  }
} finally {
  await children.close();
}
if (values.write) {
  writeResult({
    name: 'hostile',
    command: `npm run -s bench -- hostile --count ${count} --seconds ${values.seconds} --write`,
    method: [
      'A broker for each scene, its resident memory read ten times a second before, and the most of it in the first and the',
      'second half of the scene. Late: the worst packet of a stream to a healthy receiver, both ends in a process of their own.',
      'Attackers are in one process beside it on the same cores, so that CPU is what the broker got, not what it would take.',
    ].join('\n'),
    table: [
      ['scene', 'before MB', 'first MB', 'second MB', 'late ms', 'CPU %', 'sign-ins refused', 'limits hit'],
      ...rows,
    ],
    plots: {},
  });
}
report('hostile', figures);

function row(name: SceneName, seen: Seen): string[] {
  const { beforeMB, firstMB, secondMB, worstMs, cpuPercent } = seen;
  return [name, ...[beforeMB, firstMB, secondMB, worstMs, cpuPercent].map((figure) => figure.toFixed(0))];
}

/** By how much memory grew at all, and whether it still does in the second half. */
function fields(
  name: SceneName,
  { beforeMB, firstMB, secondMB, worstMs, cpuPercent }: Seen,
): Record<string, number> {
  return {
    [`${name}GrowthMB`]: Math.max(firstMB, secondMB) - beforeMB,
    [`${name}LaterGrowthMB`]: secondMB - firstMB,
    [`${name}WorstMs`]: worstMs,
    [`${name}CpuPercent`]: cpuPercent,
  };
}
