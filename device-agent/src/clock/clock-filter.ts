// What the exchanges say about the board's clock: a line (offset and drift against media time) with its own uncertainty.
// Pure: samples and the time go in, an estimate comes out.

/** One four-timestamp exchange (RFC 5905 §8), in microseconds: t1 and t4 monotonic, t2 and t3 media time. */
export interface ClockSample {
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  readonly t4: number;
}

export interface ClockEstimate {
  /** Media time less monotonic time, at the moment asked for. */
  readonly offsetUs: number;
  readonly driftPpm: number;
  readonly uncertaintyUs: number;
  readonly ageUs: number;
}

interface Point {
  readonly atUs: number;
  readonly offsetUs: number;
  readonly roundTripUs: number;
}

/** A reply that took longer says too little, and a hostile network could shift the clock by half of it. */
export const MAX_ROUND_TRIP_US = 2_000_000;
/** Older points tell more about yesterday's temperature than about the drift of now. */
const HORIZON_US = 600_000_000;
/** While idle bursts are minutes apart; so many are kept even past the horizon. */
const MIN_POINTS = 6;
const MAX_POINTS = 64;
/** No path repeats itself better than this. */
const NOISE_FLOOR_US = 30;
/** A crystal of which nothing is known yet, and one whose drift was learned before. */
const UNKNOWN_DRIFT_SD_PPM = 30;
const LEARNED_DRIFT_SD_PPM = 5;
/** A crystal that claims more is no crystal but a wrong sample. */
const MAX_DRIFT_PPM = 300;
/** How much a drift may wander after the last exchange. */
const WANDER_PPM = 2;
/** So many bursts in a row that contradict the line mean that the platform's clock was moved: they start a new line. */
const BURSTS_TO_BELIEVE_A_STEP = 3;

/** Offset and drift by weighted regression over the best sample of each burst, with a prior on the drift. */
export class ClockFilter {
  #points: Point[] = [];
  #contradicting: Point[] = [];
  readonly #priorPpm: number;
  readonly #priorSdPpm: number;

  constructor(learnedDriftPpm: number | null = null) {
    this.#priorPpm = learnedDriftPpm ?? 0;
    this.#priorSdPpm = learnedDriftPpm === null ? UNKNOWN_DRIFT_SD_PPM : LEARNED_DRIFT_SD_PPM;
  }

  /** Takes the sample with the lowest round trip of a burst. False where nothing of it could be believed. */
  addBurst(samples: readonly ClockSample[]): boolean {
    const best = bestPoint(samples);
    if (best === null) return false;
    const expected = this.estimate(best.atUs);
    if (expected !== null && contradicts(best, expected)) return this.#takeContradicting(best);
    this.#contradicting = [];
    this.#points = keepRecent([...this.#points, best]);
    return true;
  }

  /** The line at a moment of the monotonic clock; null before the first exchange. */
  estimate(nowUs: number): ClockEstimate | null {
    const last = this.#points.at(-1);
    if (last === undefined) return null;
    const line = fitLine(this.#points, last, this.#priorPpm, this.#priorSdPpm);
    const ageS = (nowUs - last.atUs) / 1e6;
    const variance = line.offsetVariance + 2 * ageS * line.covariance + ageS * ageS * line.driftVariance;
    const spread = 3 * Math.sqrt(Math.max(0, variance));
    return {
      offsetUs: line.offsetUs + line.driftPpm * ageS,
      driftPpm: line.driftPpm,
      // Path asymmetry can't be seen: half the round trip is the bound, whatever the statistics say.
      // How much the best round trips differ tells how much of one may be jitter on one way alone.
      uncertaintyUs: line.halfRoundTripUs + line.halfExcessUs + spread + WANDER_PPM * Math.abs(ageS),
      ageUs: Math.max(0, nowUs - last.atUs),
    };
  }

  #takeContradicting(point: Point): boolean {
    this.#contradicting.push(point);
    if (this.#contradicting.length < BURSTS_TO_BELIEVE_A_STEP) return false;
    this.#points = this.#contradicting;
    this.#contradicting = [];
    return true;
  }
}

function bestPoint(samples: readonly ClockSample[]): Point | null {
  let best: Point | null = null;
  for (const sample of samples) {
    const point = toPoint(sample);
    if (point !== null && (best === null || point.roundTripUs < best.roundTripUs)) best = point;
  }
  return best;
}

function toPoint({ t1, t2, t3, t4 }: ClockSample): Point | null {
  const roundTripUs = t4 - t1 - (t3 - t2);
  const isPlausible = t4 >= t1 && t3 >= t2 && roundTripUs >= 0 && t4 - t1 <= MAX_ROUND_TRIP_US;
  if (!isPlausible) return null;
  return { atUs: (t1 + t4) / 2, offsetUs: (t2 - t1 + (t3 - t4)) / 2, roundTripUs };
}

// The truth lies within half the round trip of the point and within the uncertainty of the line: where the two
// spans don't meet, one of them is wrong.
function contradicts(point: Point, expected: ClockEstimate): boolean {
  const distanceUs = Math.abs(point.offsetUs - expected.offsetUs);
  return distanceUs > point.roundTripUs / 2 + expected.uncertaintyUs + 1_000;
}

function keepRecent(points: Point[]): Point[] {
  const newestUs = points.at(-1)?.atUs ?? 0;
  const kept = points.filter(
    ({ atUs }, index) => newestUs - atUs <= HORIZON_US || index >= points.length - MIN_POINTS,
  );
  return kept.slice(-MAX_POINTS);
}

interface Line {
  readonly offsetUs: number;
  readonly driftPpm: number;
  readonly offsetVariance: number;
  readonly driftVariance: number;
  readonly covariance: number;
  readonly halfRoundTripUs: number;
  readonly halfExcessUs: number;
}

// Weighted least squares of offset over time, with the prior on the drift as one more equation. Time is in seconds
// before the newest point, so that microseconds a second are ppm and no digits are lost to the size of media time.
// A point is as uncertain as half of what its round trip is above the lowest, and never better than the lowest itself:
// how far that lies above an empty path is told by how much the round trips differ. Without this the two luckiest
// points draw the line alone, and the drift with it.
function fitLine(points: readonly Point[], origin: Point, priorPpm: number, priorSdPpm: number): Line {
  const lowestUs = Math.min(...points.map(({ roundTripUs }) => roundTripUs));
  const halfExcessUs = (median(points.map(({ roundTripUs }) => roundTripUs)) - lowestUs) / 2;
  const floorUs = Math.max(NOISE_FLOOR_US, halfExcessUs / 2);
  const priorWeight = 1 / (priorSdPpm * priorSdPpm);
  const sums = { w: 0, x: 0, y: 0, xx: priorWeight, xy: priorPpm * priorWeight, half: 0 };
  for (const point of points) {
    const x = (point.atUs - origin.atUs) / 1e6;
    const y = point.offsetUs - origin.offsetUs;
    const w = 1 / (floorUs ** 2 + ((point.roundTripUs - lowestUs) / 2) ** 2);
    sums.w += w;
    sums.x += w * x;
    sums.y += w * y;
    sums.xx += w * x * x;
    sums.xy += w * x * y;
    sums.half += (w * point.roundTripUs) / 2;
  }
  const determinant = sums.w * sums.xx - sums.x * sums.x;
  const drift = (sums.w * sums.xy - sums.x * sums.y) / determinant;
  return {
    offsetUs: origin.offsetUs + (sums.xx * sums.y - sums.x * sums.xy) / determinant,
    driftPpm: Math.max(-MAX_DRIFT_PPM, Math.min(MAX_DRIFT_PPM, drift)),
    offsetVariance: sums.xx / determinant,
    driftVariance: sums.w / determinant,
    covariance: -sums.x / determinant,
    halfRoundTripUs: sums.half / sums.w,
    halfExcessUs,
  };
}

// Not the mean: one burst on a busy processor would spoil what all others say.
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
