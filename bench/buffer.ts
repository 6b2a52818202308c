// Live streams through the real broker and shaper: what receivers lost beside what the link itself took, and whether the
// latency that the platform recommends was the right one.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { choose, type Choice } from './buffer/choose.ts';
import { hear, type Heard } from './buffer/hear.ts';
import { allLinks } from './buffer/links.ts';
import { writeResults } from './buffer/results.ts';
import { median, report } from './measure/report.ts';

const { values } = parseArgs({
  options: {
    traces: { type: 'string' },
    seconds: { type: 'string', default: '90' },
    seeds: { type: 'string', default: '20' },
    out: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const LATENCIES_MS = [700, 1_200, 2_500];
/** Where nobody had to lose anything, what was lost is compared with one frame. */
const ONE_FRAME_MS = 20;

const links = allLinks(values.traces === undefined ? null : resolve(values.traces));
const seconds = Number(values.seconds);
const choices = links.map((link) => choose(link, Number(values.seeds)));
const heard: Heard[] = [];
for (const link of links) {
  const some = await hear(link, LATENCIES_MS, seconds);
  for (const each of some) console.error(line(each));
  heard.push(...some);
}

const withRepair = heard.filter(({ asksRepair }) => asksRepair);
const withoutRepair = heard.filter(({ asksRepair }) => !asksRepair);
const ratios = choices.map(({ oursMs, oracleMs }) => oursMs / oracleMs);
const figures = {
  seconds,
  links: links.map(({ name }) => name).join(' '),
  concealedVsOracle: ratio(withRepair),
  concealedVsOracleNoRepair: ratio(withoutRepair),
  concealedMs: sum(withRepair, 'concealedMs'),
  concealedNoRepairMs: sum(withoutRepair, 'concealedMs'),
  oracleMs: sum(withRepair, 'oracleMs'),
  silentMs: sum(withRepair, 'silentMs'),
  longestSilenceMs: Math.max(...withRepair.map(({ longestSilenceMs }) => longestSilenceMs)),
  latencyVsOracle: median(ratios),
  latencyVsOracleWorst: Math.max(...ratios),
  latePercent: median(choices.map(({ oursLatePercent }) => oursLatePercent)),
  latePercentWorst: worst(({ oursLatePercent }) => oursLatePercent),
  fixedLatePercentWorst: worst(({ fixedLatePercent }) => fixedLatePercent),
  netEqLatePercentWorst: worst(({ netEqLatePercent }) => netEqLatePercent),
};
if (values.out !== undefined) writeResults(resolve(values.out), { figures, heard, choices });
report('buffer', figures);
// Sockets of receivers that were refused may linger.
process.exit(0);

function sum(some: readonly Heard[], field: 'concealedMs' | 'oracleMs' | 'silentMs'): number {
  return some.reduce((total, each) => total + each[field], 0);
}

function ratio(some: readonly Heard[]): number {
  const [ours, oracle] = [sum(some, 'concealedMs'), sum(some, 'oracleMs')];
  return ours === oracle ? 1 : ours / Math.max(oracle, ONE_FRAME_MS);
}

function worst(of: (choice: Choice) => number): number {
  return Math.max(...choices.map(of));
}

function line({
  link,
  latencyMs,
  asksRepair,
  concealedMs,
  oracleMs,
  silentMs,
  longestSilenceMs,
}: Heard): string {
  const repair = asksRepair ? 'repair   ' : 'no repair';
  return `${link.padEnd(30)} D ${String(latencyMs).padStart(4)} ${repair} concealed ${concealedMs} ms, oracle ${oracleMs} ms, silent ${silentMs} ms, longest ${longestSilenceMs} ms`;
}
