import { median } from '../measure/report.ts';
import { interruptions, ipdvP99Ms, pdvP99Ms, rfc3550JitterMs } from './arrival-figures.ts';
import { arrivalsOver } from './arrivals.ts';
import { latePercent, likeNetEq, moonBoundMs, oracleMs, settingsAfter } from './latency-rules.ts';
import type { BufferLink } from './links.ts';

const FIXED_MS = 1_000;

/** The figures of one link; medians over seeds. */
export type Choice = Readonly<Record<Figure, number>> & { readonly link: string };
type Figure = keyof ReturnType<typeof chooseOnce>;

/** Latencies chosen on the first half of a link and judged on its second. */
export function choose(link: BufferLink, seeds: number): Choice {
  const all = Array.from({ length: seeds }, (_, seed) => chooseOnce(link, `${link.name} ${seed}`));
  const middle = (figure: Figure): number => median(all.map((one) => one[figure]));
  return {
    link: link.name,
    oracleMs: middle('oracleMs'),
    oursMs: middle('oursMs'),
    oursLatePercent: middle('oursLatePercent'),
    fixedLatePercent: middle('fixedLatePercent'),
    netEqMs: middle('netEqMs'),
    netEqLatePercent: middle('netEqLatePercent'),
    moonMs: middle('moonMs'),
    interruptions: middle('interruptions'),
    longestMs: middle('longestMs'),
    jitterMs: middle('jitterMs'),
    pdvP99Ms: middle('pdvP99Ms'),
    ipdvP99Ms: middle('ipdvP99Ms'),
  };
}

function chooseOnce(link: BufferLink, seed: string) {
  const arrivals = arrivalsOver(link, seed);
  const half = Math.floor(arrivals.length / 2);
  const [learn, judge] = [arrivals.slice(0, half), arrivals.slice(half)];
  const oursMs = settingsAfter(learn).balanced;
  const netEq = likeNetEq(learn, judge);
  const broken = interruptions(judge, oursMs);
  return {
    oracleMs: oracleMs(judge),
    oursMs,
    oursLatePercent: latePercent(judge, oursMs),
    fixedLatePercent: latePercent(judge, FIXED_MS),
    netEqMs: netEq.meanMs,
    netEqLatePercent: netEq.latePercent,
    moonMs: moonBoundMs(judge),
    interruptions: broken.count,
    longestMs: broken.longestMs,
    jitterMs: rfc3550JitterMs(arrivals),
    pdvP99Ms: pdvP99Ms(arrivals),
    ipdvP99Ms: ipdvP99Ms(arrivals),
  };
}
