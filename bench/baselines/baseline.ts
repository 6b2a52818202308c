import {
  CHEAP_CRYSTAL,
  EPOCH_US,
  Oscillator,
  seededRandom,
  TwinLink,
  type LinkStory,
} from '@loalang/firmware-sim';

/** One four-timestamp exchange, microseconds: t1 and t4 the client's clock, t2 and t3 the server's. */
export interface Exchange {
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  readonly t4: number;
}

/** How somebody else keeps a client's clock: when it asks, and what it makes of the answers. */
export interface Baseline {
  /** How long after one answer the next request goes out, microseconds. */
  pauseUs(): number;
  take(exchange: Exchange): void;
  /** Server's time less client's time at a moment of the client's clock; null before the first answer. */
  offsetUs(localUs: number): number | null;
}

/**
 * Runs a baseline on the very link and crystal that a receiver of the same seed has, and answers its errors at the
 * given moments (NaN before it knows the time). The player behind it is taken as perfect: only the clock is judged.
 */
export function baselineErrorsUs(
  baseline: Baseline,
  run: { seed: string; durationUs: number; link: LinkStory; atUs: readonly number[] },
): number[] {
  const crystal = new Oscillator({
    random: seededRandom(`board ${run.seed}`),
    durationUs: run.durationUs,
    ...CHEAP_CRYSTAL,
  });
  const link = new TwinLink(run.link, run.seed);
  const errors: number[] = [];
  let sentUs = 0;
  while (errors.length < run.atUs.length) {
    const cameUs = link.upAtUs(180, sentUs);
    const backUs = link.downAtUs(180, cameUs);
    for (
      let next = run.atUs[errors.length];
      next !== undefined && next < backUs;
      next = run.atUs[errors.length]
    ) {
      const localUs = crystal.localUs(next);
      const offsetUs = baseline.offsetUs(localUs);
      errors.push(offsetUs === null ? NaN : localUs + offsetUs - EPOCH_US - next);
    }
    const t2 = EPOCH_US + cameUs;
    baseline.take({ t1: crystal.localUs(sentUs), t2, t3: t2, t4: crystal.localUs(backUs) });
    sentUs = backUs + baseline.pauseUs();
  }
  return errors;
}
