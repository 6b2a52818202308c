import { interruptions, ipdvP99Ms, pdvP99Ms, rfc3550JitterMs } from './arrival-figures.ts';
import { arrivalsOver, type Arrival } from './arrivals.ts';
import { latePercent, likeNetEq, moonBoundMs, oracleMs, settingsAfter } from './latency-rules.ts';
import type { BufferLink } from './links.ts';

const FIXED_MS = 1_000;

/** A latency on the judged half of a link: beside the lowest that loses 0.1 % there, and what it lost. */
export interface Judged {
  readonly ms: number;
  readonly vsOracle: number;
  readonly latePercent: number;
}

/** What was chosen on one half of a link, judged on the other. */
export interface Choice {
  readonly oracleMs: number;
  readonly fast: Judged;
  readonly balanced: Judged;
  readonly sure: Judged;
  readonly fixed: Judged;
  readonly netEq: Judged;
  readonly moonMs: number;
  /** With the balanced setting. */
  readonly interruptions: number;
  readonly longestMs: number;
  readonly jitterMs: number;
  readonly pdvP99Ms: number;
  readonly ipdvP99Ms: number;
}

/**
 * One link begun at so many moments, evenly spread over its trace, so that a single outage does not decide. Each time the
 * first half is learnt from, the second judged.
 */
export function choose(link: BufferLink, starts: number): Choice[] {
  return Array.from({ length: starts }, (_, index) => {
    const startMs = Math.round((link.down.periodMs * index) / starts);
    return chooseOnce(arrivalsOver(link, { seed: `${link.name} ${index}`, startMs }));
  });
}

function chooseOnce(arrivals: readonly Arrival[]): Choice {
  const half = Math.ceil(arrivals.length / 2);
  const [learn, judge] = [arrivals.slice(0, half), arrivals.slice(half)];
  const lowestMs = oracleMs(judge);
  const judged = (ms: number, late = latePercent(judge, ms)): Judged => {
    return { ms, vsOracle: ms / lowestMs, latePercent: late };
  };
  const { fast, balanced, sure } = settingsAfter(learn);
  const netEq = likeNetEq(learn, judge);
  const broken = interruptions(judge, balanced);
  return {
    oracleMs: lowestMs,
    fast: judged(fast),
    balanced: judged(balanced),
    sure: judged(sure),
    fixed: judged(FIXED_MS),
    netEq: judged(netEq.meanMs, netEq.latePercent),
    moonMs: moonBoundMs(judge),
    interruptions: broken.count,
    longestMs: broken.longestMs,
    jitterMs: rfc3550JitterMs(judge),
    pdvP99Ms: pdvP99Ms(judge),
    ipdvP99Ms: ipdvP99Ms(judge),
  };
}
