import { median } from '../measure/report.ts';
import type { Choice } from './choose.ts';
import type { Heard } from './hear.ts';

/** One link and what was chosen from each of its beginnings. */
export interface LinkChoices {
  readonly link: string;
  readonly starts: readonly Choice[];
}

/** Where nobody had to lose anything, what was lost is compared with one frame. */
const ONE_FRAME_MS = 20;

/** What was lost in runs over all links: medians over the runs, and how far they spread. */
export function concealedFigures(runs: readonly (readonly Heard[])[]) {
  const withRepair = runs.map((heard) => heard.filter(({ asksRepair }) => asksRepair));
  const withoutRepair = runs.map((heard) => heard.filter(({ asksRepair }) => !asksRepair));
  const ratios = withRepair.map(concealedRatio);
  return {
    concealedVsOracle: median(ratios),
    concealedVsOracleLeast: Math.min(...ratios),
    concealedVsOracleMost: Math.max(...ratios),
    concealedVsOracleNoRepair: median(withoutRepair.map(concealedRatio)),
    concealedMs: median(withRepair.map((some) => sum(some, 'concealedMs'))),
    concealedNoRepairMs: median(withoutRepair.map((some) => sum(some, 'concealedMs'))),
    oracleMs: median(withRepair.map((some) => sum(some, 'oracleMs'))),
    silentMs: median(withRepair.map((some) => sum(some, 'silentMs'))),
    longestSilenceMs: Math.max(...withRepair.flat().map(({ longestSilenceMs }) => longestSilenceMs)),
    lagMs: Math.max(...runs.flat().map(({ lagMs }) => lagMs)),
  };
}

/** Latencies chosen on the first half and judged on the second, over all beginnings of all links. */
export function latencyFigures(links: readonly LinkChoices[]) {
  const all = links.flatMap(({ starts }) => starts);
  const ratios = all.map(({ balanced }) => balanced.vsOracle);
  const late = all.map(({ balanced }) => balanced.latePercent);
  return {
    latencyVsOracle: median(ratios),
    latencyVsOracleWorst: Math.max(...ratios),
    latencyVsOracleOfLinks: median(
      links.map(({ starts }) => median(starts.map(({ balanced }) => balanced.vsOracle))),
    ),
    latePercent: median(late),
    latePercentWorst: Math.max(...late),
    fixedVsOracle: median(all.map(({ fixed }) => fixed.vsOracle)),
    fixedLatePercent: median(all.map(({ fixed }) => fixed.latePercent)),
    fixedLatePercentWorst: Math.max(...all.map(({ fixed }) => fixed.latePercent)),
    netEqVsOracle: median(all.map(({ netEq }) => netEq.vsOracle)),
    netEqLatePercent: median(all.map(({ netEq }) => netEq.latePercent)),
    netEqLatePercentWorst: Math.max(...all.map(({ netEq }) => netEq.latePercent)),
    moonVsOracle: median(all.map(({ moonMs, oracleMs }) => moonMs / oracleMs)),
  };
}

export function concealedRatio(some: readonly Heard[]): number {
  const [ours, oracle] = [sum(some, 'concealedMs'), sum(some, 'oracleMs')];
  return ours === oracle ? 1 : ours / Math.max(oracle, ONE_FRAME_MS);
}

export function sum(some: readonly Heard[], field: 'concealedMs' | 'oracleMs' | 'silentMs'): number {
  return some.reduce((total, each) => total + each[field], 0);
}
