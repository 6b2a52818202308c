// What the exchanges say about the board's clock: a line (offset and drift against media time) with its own uncertainty.
// Pure: samples and the time go in, an estimate comes out.
import { fitEnvelope, type Clouds, type EnvelopePoint, type SlopePrior } from './envelope.ts';

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

/** A moment of the monotonic clock, and what one way showed there: t2 - t1 up, t4 - t3 down. */
interface Way {
  readonly atUs: number;
  readonly tookUs: number;
}

/** The fastest request and the fastest reply of a burst; they need not belong together. */
interface Burst {
  readonly atUs: number;
  readonly up: Way;
  readonly down: Way;
}

/** A reply that took longer says too little, and a hostile network could shift the clock by half of it. */
export const MAX_ROUND_TRIP_US = 2_000_000;
/** Older bursts tell more about an earlier temperature than about the drift of now. */
const HORIZON_US = 1_800_000_000;
/** While idle bursts are minutes apart; so many are kept even past the horizon. */
const MIN_BURSTS = 6;
/** A horizon of bursts 30 s apart, and the first ones, which are closer. */
const MAX_BURSTS = 80;
/**
 * A crystal bends: the warmth of the day moves it by some 2e-4 ppm a second, so that after t seconds a straight line is
 * wrong by so many microseconds times t². An old point binds the line by that much less.
 */
const BEND_US_PER_S2 = 5e-5;
/** A crystal of which nothing is known yet, and one whose drift was learned before, at another hour of the day. */
const UNKNOWN_DRIFT_SD_PPM = 30;
const LEARNED_DRIFT_SD_PPM = 3;
/** How much a drift may wander after the last exchange. */
const WANDER_PPM = 2;
/** So many in a row that contradict the line mean that the platform's clock was moved: they start a new line. */
export const CONTRADICTIONS_TO_BELIEVE = 3;
/** With fewer bursts what was learnt before can't be told to be wrong: two lucky exchanges are no drift. */
const BURSTS_TO_DOUBT = 8;
/** No weather bends a crystal so far within minutes: the platform's clock goes at another pace. */
const OTHER_PACE_PPM = 30;

/** Nobody moves a clock by less and wants it followed at once. */
const LEAST_STEP_US = 1_000;

interface Line {
  readonly originUs: number;
  readonly offsetUs: number;
  readonly driftPpm: number;
  readonly halfTripUs: number;
  readonly halfExcessUs: number;
  readonly offsetVariance: number;
  readonly driftVariance: number;
  /** The middle of the bursts, where slope and offset don't depend on each other. */
  readonly middleUs: number;
}

/** Offset and drift from the fastest request and the fastest reply of each burst. */
export class ClockFilter {
  #bursts: Burst[] = [];
  #contradicting: Burst[] = [];
  #line: Line | null = null;
  #prior: SlopePrior;
  #moves = 0;

  constructor(learnedDriftPpm: number | null = null) {
    const sdPpm = learnedDriftPpm === null ? UNKNOWN_DRIFT_SD_PPM : LEARNED_DRIFT_SD_PPM;
    this.#prior = { ppm: learnedDriftPpm ?? 0, sdPpm };
  }

  /** Takes the fastest of a burst each way. False where nothing of it could be believed. */
  addBurst(samples: readonly ClockSample[]): boolean {
    const burst = fastestOf(samples.filter(isPlausible));
    if (burst === null) return false;
    if (this.#contradicts(burst)) return this.#takeContradicting(burst);
    this.#contradicting = [];
    this.#take(keepRecent([...this.#bursts, burst]));
    return true;
  }

  /** Does this agree with the line as far as both can tell? Nothing is learnt of it. */
  agreesWith(sample: ClockSample): boolean {
    const alone = isPlausible(sample) ? fastestOf([sample]) : null;
    return this.#line !== null && alone !== null && !this.#contradicts(alone);
  }

  /** The drift, where it is known well enough to start another line from. */
  get learntPpm(): number | null {
    const line = this.#line;
    const isKnown = line !== null && Math.sqrt(line.driftVariance) <= LEARNED_DRIFT_SD_PPM;
    return isKnown ? line.driftPpm : null;
  }

  /** How often the platform's clock turned out to have been moved. */
  get moves(): number {
    return this.#moves;
  }

  /** The line at a moment of the monotonic clock; null before the first exchange. */
  estimate(nowUs: number): ClockEstimate | null {
    const line = this.#line;
    if (line === null) return null;
    const ageS = (nowUs - line.originUs) / 1e6;
    const fromMiddleS = (nowUs - line.middleUs) / 1e6;
    const spread = 3 * Math.sqrt(line.offsetVariance + line.driftVariance * fromMiddleS ** 2);
    return {
      offsetUs: line.offsetUs + line.driftPpm * ageS,
      driftPpm: line.driftPpm,
      // Path asymmetry can't be seen: half the way to and fro is the bound, whatever the statistics say.
      // How much the fastest differ tells how much of one may be jitter on one way alone.
      uncertaintyUs: line.halfTripUs + line.halfExcessUs + spread + WANDER_PPM * Math.abs(ageS),
      ageUs: Math.max(0, nowUs - line.originUs),
    };
  }

  #contradicts(burst: Burst): boolean {
    const expected = this.estimate(burst.atUs);
    if (expected === null || this.#line === null) return false;
    return isImpossible(burst, expected) || isMirrored(burst, expected, this.#line.halfTripUs);
  }

  #takeContradicting(burst: Burst): boolean {
    this.#contradicting.push(burst);
    if (this.#contradicting.length < CONTRADICTIONS_TO_BELIEVE) return false;
    // The platform's clock was set, or goes at another pace now (it is slewed by up to 100 ppm): the crystal is the same.
    if (this.#line !== null) this.#prior = { ppm: this.#line.driftPpm, sdPpm: UNKNOWN_DRIFT_SD_PPM };
    this.#take(this.#contradicting);
    this.#contradicting = [];
    this.#moves += 1;
    return true;
  }

  #take(bursts: Burst[]): void {
    const guess = this.#line?.driftPpm ?? this.#prior.ppm;
    this.#doubtPrior(bursts);
    this.#bursts = this.#doubtPast(bursts, guess);
    this.#line = fitLine(this.#bursts, this.#prior, guess);
  }

  // A platform that is slewed for hours goes at one pace before and at another after: no line lies on both.
  #doubtPast(bursts: Burst[], guess: number): Burst[] {
    const recent = bursts.slice(-BURSTS_TO_DOUBT);
    if (recent.length === bursts.length || this.#line === null) return bursts;
    const prior = { ppm: this.#line.driftPpm, sdPpm: UNKNOWN_DRIFT_SD_PPM };
    const line = fitLine(recent, prior, guess);
    if (line === null) return bursts;
    const surelyPpm = OTHER_PACE_PPM + 3 * Math.sqrt(line.driftVariance);
    if (Math.abs(line.driftPpm - this.#line.driftPpm) < surelyPpm) return bursts;
    this.#prior = prior;
    return recent;
  }

  // A crystal ages, a board is exchanged, a platform is slewed. Trusted to 3 ppm, a drift that is 40 ppm wrong would hold the
  // line for half an hour: the line that does not know it lies elsewhere then, and is sure of that.
  #doubtPrior(bursts: readonly Burst[]): void {
    const { ppm, sdPpm } = this.#prior;
    if (sdPpm >= UNKNOWN_DRIFT_SD_PPM || bursts.length < BURSTS_TO_DOUBT) return;
    const unknown = { ppm, sdPpm: UNKNOWN_DRIFT_SD_PPM };
    const line = fitLine(bursts, unknown, ppm);
    if (line === null) return;
    const surelyPpm = 3 * (sdPpm + Math.sqrt(line.driftVariance));
    if (Math.abs(line.driftPpm - ppm) > surelyPpm) this.#prior = unknown;
  }
}

function isPlausible({ t1, t2, t3, t4 }: ClockSample): boolean {
  const roundTripUs = t4 - t1 - (t3 - t2);
  return t4 >= t1 && t3 >= t2 && roundTripUs >= 0 && t4 - t1 <= MAX_ROUND_TRIP_US;
}

function fastestOf(samples: readonly ClockSample[]): Burst | null {
  let [up, down]: [Way | null, Way | null] = [null, null];
  for (const { t1, t2, t3, t4 } of samples) {
    if (up === null || t2 - t1 < up.tookUs) up = { atUs: t1, tookUs: t2 - t1 };
    if (down === null || t4 - t3 < down.tookUs) down = { atUs: t4, tookUs: t4 - t3 };
  }
  return up === null || down === null ? null : { atUs: (up.atUs + down.atUs) / 2, up, down };
}

// The truth lies between what the fastest request and the fastest reply allow, and within the uncertainty of the line:
// where the two spans don't meet, one of them is wrong.
function isImpossible({ up, down }: Burst, expected: ClockEstimate): boolean {
  const offsetUs = (up.tookUs - down.tookUs) / 2;
  const halfTripUs = Math.max(0, (up.tookUs + down.tookUs) / 2);
  return Math.abs(offsetUs - expected.offsetUs) > halfTripUs + expected.uncertaintyUs + LEAST_STEP_US;
}

// One way far shorter than ever, and the other longer: no path does that, a clock that was moved does. Without this the
// other way's old points would hold half of the step until they are beyond the horizon.
function isMirrored({ up, down }: Burst, expected: ClockEstimate, halfTripUs: number): boolean {
  const noiseUs = LEAST_STEP_US + 3 * (expected.uncertaintyUs - halfTripUs);
  const longerUp = up.tookUs - expected.offsetUs - halfTripUs;
  const longerDown = down.tookUs + expected.offsetUs - halfTripUs;
  return Math.min(longerUp, longerDown) < -noiseUs && Math.max(longerUp, longerDown) > noiseUs;
}

function keepRecent(bursts: Burst[]): Burst[] {
  const newestUs = bursts.at(-1)?.atUs ?? 0;
  const kept = bursts.filter(
    ({ atUs }, index) => newestUs - atUs <= HORIZON_US || index >= bursts.length - MIN_BURSTS,
  );
  return kept.slice(-MAX_BURSTS);
}

function fitLine(bursts: readonly Burst[], prior: SlopePrior, guess: number): Line | null {
  const newest = bursts.at(-1);
  if (newest === undefined) return null;
  // Against the newest burst, so that no digits are lost to the size of media time.
  const aroundUs = Math.round((newest.up.tookUs - newest.down.tookUs) / 2);
  const clouds: Clouds = {
    up: bursts.map(({ up }) => pointOf(up, newest.atUs, -aroundUs)),
    down: bursts.map(({ down }) => pointOf(down, newest.atUs, aroundUs)),
  };
  const line = fitEnvelope(clouds, prior, guess);
  // Of a few bursts the usual excess can be small by luck.
  const isSure = bursts.length >= BURSTS_TO_DOUBT;
  const halfExcessUs = isSure ? line.halfExcessUs : Math.max(line.halfExcessUs, line.halfMeanExcessUs);
  return {
    originUs: newest.atUs,
    offsetUs: aroundUs + line.offsetUs,
    driftPpm: line.ppm,
    halfTripUs: Math.max(0, line.halfTripUs),
    halfExcessUs,
    ...varianceOf(bursts, halfExcessUs, prior.sdPpm),
  };
}

function pointOf({ atUs, tookUs }: Way, originUs: number, shiftUs: number): EnvelopePoint {
  const x = (atUs - originUs) / 1e6;
  return { x, y: tookUs + shiftUs + BEND_US_PER_S2 * x * x };
}

// As of a regression through points that lie so far from their line. An envelope does better, but this one is not sure
// of the shape of its delays: what it says must hold.
function varianceOf(
  bursts: readonly Burst[],
  sdUs: number,
  priorSdPpm: number,
): Pick<Line, 'offsetVariance' | 'driftVariance' | 'middleUs'> {
  const middleUs = bursts.reduce((sum, { atUs }) => sum + atUs / bursts.length, 0);
  const spreadS2 = bursts.reduce((sum, { atUs }) => sum + ((atUs - middleUs) / 1e6) ** 2, 0);
  return {
    offsetVariance: sdUs ** 2 / bursts.length,
    driftVariance: 1 / (1 / priorSdPpm ** 2 + spreadS2 / sdUs ** 2),
    middleUs,
  };
}
