// Live streams through the real broker and shaper: what receivers lost beside what the link itself took, and whether the
// latency that the platform recommends was the right one.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { choose } from './buffer/choose.ts';
import { hear, type Heard } from './buffer/hear.ts';
import { allLinks } from './buffer/links.ts';
import { writeBufferResults } from './buffer/results.ts';
import { concealedFigures, latencyFigures } from './buffer/sum-up.ts';
import { report } from './measure/report.ts';

const { values } = parseArgs({
  options: {
    traces: { type: 'string' },
    seconds: { type: 'string', default: '90' },
    runs: { type: 'string', default: '3' },
    seeds: { type: 'string', default: '20' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const LATENCIES_MS = [700, 1_200, 2_500];
/** Links that are heard at the same time: 24 receivers take most of a core, not all of it. */
const AT_ONCE = 4;

const links = allLinks(values.traces === undefined ? null : resolve(values.traces));
const [seconds, count, seeds] = [Number(values.seconds), Number(values.runs), Number(values.seeds)];
const choices = links.map((link) => ({ link: link.name, starts: choose(link, seeds) }));
const runs: Heard[][] = [];
for (let run = 1; run <= count; run += 1) {
  const heard: Heard[] = [];
  for (let first = 0; first < links.length; first += AT_ONCE) {
    const some = links.slice(first, first + AT_ONCE);
    heard.push(...(await Promise.all(some.map((link) => hear(link, LATENCIES_MS, seconds)))).flat());
  }
  for (const each of heard) console.error(`run ${run} ${line(each)}`);
  runs.push(heard);
}
const figures = {
  seconds,
  runs: count,
  seeds,
  links: links.map(({ name }) => name).join(' '),
  ...concealedFigures(runs),
  ...latencyFigures(choices),
};
if (values.write)
  writeBufferResults({ runs, choices, seconds, seeds, hasTraces: values.traces !== undefined });
report('buffer', figures);
// Sockets of receivers that were refused may linger.
process.exit(0);

function line(heard: Heard): string {
  const { link, latencyMs, asksRepair, concealedMs, oracleMs, silentMs, longestSilenceMs } = heard;
  const repair = asksRepair ? 'repair   ' : 'no repair';
  return `${link.padEnd(30)} D ${String(latencyMs).padStart(4)} ${repair} concealed ${concealedMs} ms, oracle ${oracleMs} ms, silent ${silentMs} ms, longest ${longestSilenceMs} ms`;
}
