import { PairErrors, TwinReceiver, type CardProfile, type PairCounts } from '@loalang/firmware-sim';
import { baselineErrorsUs, type Baseline } from '../baselines/baseline.ts';
import { SendspinFilter } from '../baselines/sendspin-filter.ts';
import { SnapcastMedian } from '../baselines/snapcast-median.ts';
import type { Case } from './cases.ts';

export interface Size {
  readonly receivers: number;
  readonly hours: number;
}

/** What one seed of one case showed. */
export interface PairResult {
  readonly ours: PairCounts;
  readonly snapcast: PairCounts;
  readonly sendspin: PairCounts;
  /** A line of sound was given up and begun anew. */
  readonly hardResyncs: number;
  /** The line of a card was given up and begun anew. */
  readonly cardMoves: number;
  /** Looks at which one of ours did not sound: such a pair counts in none of the figures above. */
  readonly silentLooks: number;
}

/** Looked at from a minute after the start on, each ten seconds. */
const FIRST_LOOK_US = 60e6;
const LOOK_EACH_US = 10e6;

/** The receivers of one seed over one kind of link, playing all the time; each beside the two baselines. */
export function runPairs({ name, link, card }: Case, seed: number, size: Size): PairResult {
  const durationUs = size.hours * 3_600e6;
  const atUs: number[] = [];
  for (let lookUs = FIRST_LOOK_US; lookUs < durationUs; lookUs += LOOK_EACH_US) atUs.push(lookUs);
  const runs = Array.from({ length: size.receivers }, (_, receiver) => {
    return { seed: `${name} ${seed} ${receiver}`, durationUs, link, card, atUs };
  });
  const ours = runs.map(runReceiver);
  const baseline = (make: () => Baseline): PairCounts =>
    countPairs(runs.map((run) => baselineErrorsUs(make(), run)));
  return {
    ours: countPairs(ours.map(({ errorsUs }) => errorsUs)),
    snapcast: baseline(() => new SnapcastMedian()),
    sendspin: baseline(() => new SendspinFilter()),
    hardResyncs: ours.reduce((sum, { restarts }) => sum + restarts, 0),
    cardMoves: ours.reduce((sum, { moves }) => sum + moves, 0),
    silentLooks: ours.flatMap(({ errorsUs }) => errorsUs).filter(Number.isNaN).length,
  };
}

type Run = Parameters<typeof baselineErrorsUs>[1] & { readonly card: CardProfile };

function runReceiver(run: Run): { errorsUs: number[]; restarts: number; moves: number } {
  const receiver = new TwinReceiver({ ...run, isSounding: true });
  receiver.start();
  const errorsUs = run.atUs.map((lookUs) => {
    receiver.runUntil(lookUs);
    return receiver.errorUs() ?? NaN;
  });
  return { errorsUs, restarts: receiver.card.restarts, moves: receiver.cardMoves };
}

function countPairs(ofReceivers: readonly (readonly number[])[]): PairCounts {
  const pairs = new PairErrors();
  const looks = ofReceivers[0]?.length ?? 0;
  for (let look = 0; look < looks; look += 1) pairs.add(ofReceivers.map((errors) => errors[look] ?? NaN));
  return pairs.counts;
}
