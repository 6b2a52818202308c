// Finds where a recording is silent, and compares that with where it should be.

const SAMPLE_RATE = 48_000;
/** 2 ms: how finely a gap is placed. */
const PLACE_SAMPLES = 96;

/** A silent stretch, seconds. */
export interface Silence {
  readonly fromS: number;
  readonly toS: number;
}

/** The stretches, of a length of `leastS` or more, in which no sample is above `level`. */
export function findSilences(
  heard: Float32Array,
  { level, leastS }: { level: number; leastS: number },
): Silence[] {
  const found: Silence[] = [];
  let from = 0;
  for (let at = 0; at <= heard.length; at += PLACE_SAMPLES) {
    const place = heard.subarray(at, at + PLACE_SAMPLES);
    if (at + PLACE_SAMPLES <= heard.length && place.every((sample) => Math.abs(sample) <= level)) continue;
    if ((at - from) / SAMPLE_RATE >= leastS) found.push({ fromS: from / SAMPLE_RATE, toS: at / SAMPLE_RATE });
    from = at + PLACE_SAMPLES;
  }
  return found;
}

/** Silence that should be: its edges as seconds, each with how much earlier and later it may lie. */
export interface Expected {
  readonly fromS: readonly [earliest: number, latest: number];
  readonly toS: readonly [earliest: number, latest: number];
}

/** What is not as it should be, in words; empty where it is. */
export function judgeSilences(found: readonly Silence[], expected: readonly Expected[]): string[] {
  const missing = expected.filter((each) => !found.some((silence) => fits(silence, each)));
  const surplus = found.filter((silence) => !expected.some((each) => fits(silence, each)));
  return [
    ...missing.map(({ fromS, toS }) => `no silence from ${fromS.join('..')} to ${toS.join('..')} s`),
    ...surplus.map(({ fromS, toS }) => `silent from ${fromS.toFixed(3)} to ${toS.toFixed(3)} s`),
  ];
}

const fits = (silence: Silence, { fromS, toS }: Expected): boolean =>
  isWithin(silence.fromS, fromS) && isWithin(silence.toS, toS);

const isWithin = (value: number, [least, most]: readonly [number, number]): boolean =>
  value >= least && value <= most;
