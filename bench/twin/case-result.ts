import { PairErrors, type PairCounts } from '@loalang/firmware-sim';
import type { PairResult } from './pair-case.ts';

export type Who = 'ours' | 'snapcast' | 'sendspin';

export interface Spread {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What all seeds of one case showed; the results stand in order of the seeds. */
export interface CaseResult extends Readonly<Record<Who, Spread>> {
  readonly name: string;
  readonly seeds: readonly PairResult[];
  readonly hardResyncs: number;
  readonly cardMoves: number;
  readonly silentLooks: number;
}

export function sumUp(name: string, seeds: readonly PairResult[]): CaseResult {
  const all = (who: Who): Spread => spreadOf(merged(seeds.map((seed) => seed[who])));
  return {
    name,
    seeds,
    ours: all('ours'),
    snapcast: all('snapcast'),
    sendspin: all('sendspin'),
    hardResyncs: seeds.reduce((sum, seed) => sum + seed.hardResyncs, 0),
    cardMoves: seeds.reduce((sum, seed) => sum + seed.cardMoves, 0),
    silentLooks: seeds.reduce((sum, seed) => sum + seed.silentLooks, 0),
  };
}

export function merged(counts: readonly PairCounts[]): PairErrors {
  const pairs = new PairErrors();
  for (const each of counts) pairs.merge(each);
  return pairs;
}

export function spreadOf(pairs: PairErrors): Spread {
  const [p50Ms, p99Ms] = [pairs.quantileUs(0.5) / 1000, pairs.quantileUs(0.99) / 1000];
  return { p50Ms, p99Ms, maxMs: pairs.maxUs / 1000 };
}

/** What was to be reached, and in which seed it was not. Pure. */
export function failures({ name, seeds }: CaseResult, firstSeed: number): string[] {
  return seeds.flatMap(({ ours, hardResyncs, silentLooks }, index) => {
    const { p50Ms, p99Ms, maxMs } = spreadOf(merged([ours]));
    const isHeard = hardResyncs === 0 && silentLooks === 0;
    if (p50Ms <= 0.2 && p99Ms <= 1 && maxMs <= 3 && isHeard) return [];
    const found = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(3)).join(' ');
    return [
      `--case ${name} --first-seed ${firstSeed + index} --seeds 1: ${found} ms, resyncs ${hardResyncs}, silent ${silentLooks}`,
    ];
  });
}
