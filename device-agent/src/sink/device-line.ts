// When a frame that is written to the card will be heard: the card's own line of time.
//
// The card plays frame y at the moment t: y = y0 + (1 + drift) (t - t0). Each reading (frames written, delay, moment) shows
// one point of that line, with noise: the reading and the driver's update are not the same instant, USB cards and DMA
// move in bursts. A Kalman filter of two states (place, drift) follows it, after Bar-Shalom, Li, Kirubarajan, "Estimation
// with Applications to Tracking and Navigation" (2001), 6.2: a constant rate that is disturbed by white acceleration of
// density q. Fed every T seconds with readings of variance R it settles to a second-order low-pass with the time constant
// (R T / q)^(1/4); q is chosen so that this is a fifth of the line's age, at most 20 s: a sound server tells milliseconds
// too much or too little in its first fifteen seconds (PulseAudio draws its own line through readings of its start), and a
// filter of 20 s would carry that on for a minute. Later, with less than 20 s it follows the slow part of the noise,
// with more a loss that is too small to be recognised stays in it longer. In the timing twin, 8 receivers on a cable, p99 of pairs in ms
// for 8, 12, 20 and 30 s: USB frames of 1 ms 0.14, 0.14, 0.13, 0.12; DMA bursts of 10 ms 0.30, 0.25, 0.22, 0.21; readings at
// ordinary priority (0.64 ms, alike for 1.5 s) 1.48, 1.23, 0.97, 0.79.
//
// It only watches. Whoever steers by it does not change what it sees, so the two cannot chase each other.
import { FRAMES_PER_US } from './pcm.ts';

const LONGEST_TIME_CONSTANT_S = 20;
const SHORTEST_TIME_CONSTANT_S = 1;
const TIME_CONSTANTS_AN_AGE = 5;
/** Far above the noise of most readings (0.01 to 0.6 ms), since errors of readings close together are alike. */
const READING_SD_US = 500;
const READING_VAR = READING_SD_US ** 2;
const READING_INTERVAL_S = 0.02;
/** Cards are within 100 ppm of their nominal rate, seldom twice that. */
const DRIFT_SD_PPM = 100;
/** A card whose drift was learnt before may be warmer now, or be another of the same name. */
const REMEMBERED_SD_PPM = 10;
/** A line so old has its longest memory, and a drift that is worth remembering; a younger one has made the drift of noise. */
const LEARNT_AFTER_S = TIME_CONSTANTS_AN_AGE * LONGEST_TIME_CONSTANT_S;
const MAX_DRIFT_PPM = 300;

// Readings of the first seconds lean to one side while the driver fills its pipe: they tell the place, not the drift.
const SETTLING_S = 6;
const PLACE_SD_AFTER_SETTLING_US = 150;

/**
 * Readings that lie farther off than this and three times what is usual are not learnt of; for so long, they are no noise: the
 * card has lost or repeated something. What is usual goes from 0.03 ms (to the sample) over 0.5 ms (ordinary priority on a
 * busy machine) to 2.5 ms (DMA bursts of 10 ms): a fixed bound that finds a loss of 3 ms on the first takes the bursts of
 * the last for losses, each minute or oftener. A sound server that was held up once tells up to 4 ms too much or too
 * little for five seconds after (PulseAudio takes half of it back every 1.5 s); learnt of, that would stay for a minute.
 */
const MOVED_ABOVE_US = 300;
const MOVED_ABOVE_USUAL = 3;
const USUAL_TIME_CONSTANT_S = 30;
const MOVED_FOR_US = 5_000_000;
/** What came before a move may have been learnt of readings that were wrong already. */
const DRIFT_SD_AFTER_MOVE_PPM = 20;
/** Without a reading for so long nobody knows where the card is. */
const LOST_AFTER_US = 500_000;

interface Place {
  atUs: number;
  /** What is heard at `atUs`, as microseconds of nominal sound since frame 0. */
  playedUs: number;
  readonly sinceUs: number;
  /** Since when readings lie far off. */
  farSinceUs: number | null;
  seen: number;
}

export class DeviceLine {
  #place: Place | null = null;
  /** Parts per million, which are microseconds a second. */
  #driftPpm: number;
  #placeVar = 0;
  #crossVar = 0;
  #driftVar: number;
  /** How far off a reading is on average, and of how many that was learnt. */
  #usualUs = 0;
  #seen = 0;
  #moves = 0;

  /** `rememberedPpm`: what was learnt of this card before. */
  constructor(rememberedPpm: number | null = null) {
    this.#driftPpm = clip(rememberedPpm ?? 0, MAX_DRIFT_PPM);
    this.#driftVar = (rememberedPpm === null ? DRIFT_SD_PPM : REMEMBERED_SD_PPM) ** 2;
  }

  /** How much faster than CLOCK_MONOTONIC the card plays. */
  get driftPpm(): number {
    return this.#driftPpm;
  }

  /** Is the drift known well enough to be remembered? Not in the first 100 s after each new beginning. */
  get isDriftLearnt(): boolean {
    const place = this.#place;
    return place !== null && place.atUs - place.sinceUs >= LEARNT_AFTER_S * 1e6;
  }

  /** How long a sample takes against its nominal length. */
  get pace(): number {
    return 1 / (1 + this.#driftPpm * 1e-6);
  }

  /** How often the card turned out to be elsewhere. */
  get moves(): number {
    return this.#moves;
  }

  /** Whether it can be said at a moment when a frame will be heard. */
  isKnown(nowUs: number): boolean {
    return this.#place !== null && nowUs - this.#place.atUs < LOST_AFTER_US;
  }

  /** The card begins anew with frame 0: after an underrun or a suspend. What was learnt of its drift is where it begins. */
  restart(): void {
    this.#place = null;
  }

  /** Takes a reading: at `atUs` (monotonic) `delayFrames` of the `framesWritten` were still to be heard. */
  observe(framesWritten: number, delayFrames: number, atUs: number): void {
    const playedUs = (framesWritten - delayFrames) / FRAMES_PER_US;
    const place = this.#place;
    if (place === null || atUs - place.atUs >= LOST_AFTER_US) {
      this.#settle(playedUs, atUs);
      return;
    }
    const seconds = (atUs - place.atUs) / 1e6;
    if (seconds <= 0) return;
    const predictedUs = place.playedUs + seconds * (1e6 + this.#driftPpm);
    const errorUs = playedUs - predictedUs;
    const isFar = this.#isFar(Math.abs(errorUs), seconds);
    if (this.#hasMoved(place, isFar, atUs)) {
      this.#moves += 1;
      this.#driftVar = Math.max(this.#driftVar, DRIFT_SD_AFTER_MOVE_PPM ** 2);
      this.#settle(playedUs, atUs);
      return;
    }
    place.atUs = atUs;
    place.playedUs = predictedUs;
    place.seen += 1;
    const isSettling = atUs - place.sinceUs < SETTLING_S * 1e6;
    if (isSettling) this.#follow(place, errorUs, seconds);
    else this.#filter(place, isFar ? null : errorUs, seconds);
  }

  /** Monotonic microseconds at which a frame is heard. Only while the line is known. */
  heardAtUs(frame: number): number {
    const place = this.#place;
    if (place === null) throw new Error('the line of the card is not known');
    return place.atUs + (frame / FRAMES_PER_US - place.playedUs) * this.pace;
  }

  #settle(playedUs: number, atUs: number): void {
    this.#place = { atUs, playedUs, sinceUs: atUs, farSinceUs: null, seen: 1 };
    this.#placeVar = PLACE_SD_AFTER_SETTLING_US ** 2;
    this.#crossVar = 0;
  }

  // What is far counts as just far: a move must not become usual before it is found, growing noise may.
  #isFar(distanceUs: number, seconds: number): boolean {
    const farUs = MOVED_ABOVE_US + MOVED_ABOVE_USUAL * this.#usualUs;
    this.#seen += 1;
    const gain = Math.max(1 / this.#seen, seconds / USUAL_TIME_CONSTANT_S);
    this.#usualUs += gain * (Math.min(distanceUs, farUs) - this.#usualUs);
    return distanceUs > farUs;
  }

  #hasMoved(place: Place, isFar: boolean, atUs: number): boolean {
    place.farSinceUs = isFar ? (place.farSinceUs ?? atUs) : null;
    return place.farSinceUs !== null && atUs - place.farSinceUs >= MOVED_FOR_US;
  }

  // The mean of what was read so far, then a plain low-pass.
  #follow(place: Place, errorUs: number, seconds: number): void {
    const gain = Math.max(1 / place.seen, Math.min(1, seconds / SHORTEST_TIME_CONSTANT_S));
    place.playedUs += gain * errorUs;
    // What is usual while the driver fills its pipe is not so afterwards.
    this.#seen = 0;
  }

  #filter(place: Place, errorUs: number | null, seconds: number): void {
    this.#predict(seconds, accelerationDensity((place.atUs - place.sinceUs) / 1e6));
    if (errorUs === null) return;
    const errorVar = this.#placeVar + READING_VAR;
    const placeGain = this.#placeVar / errorVar;
    const driftGain = this.#crossVar / errorVar;
    place.playedUs += placeGain * errorUs;
    this.#driftPpm = clip(this.#driftPpm + driftGain * errorUs, MAX_DRIFT_PPM);
    this.#driftVar -= driftGain * this.#crossVar;
    this.#crossVar -= placeGain * this.#crossVar;
    this.#placeVar -= placeGain * this.#placeVar;
  }

  // Covariance over a stretch of time: F P F' + Q with F = [1 s; 0 1], Q = q [s³/3 s²/2; s²/2 s].
  #predict(seconds: number, q: number): void {
    const wandered = q * seconds;
    this.#placeVar += seconds * (2 * this.#crossVar + seconds * (this.#driftVar + wandered / 3));
    this.#crossVar += seconds * (this.#driftVar + wandered / 2);
    this.#driftVar += wandered;
  }
}

/** Of a line that is so old, in ppm² a second. */
function accelerationDensity(ageS: number): number {
  const wantedS = Math.max(SHORTEST_TIME_CONSTANT_S, ageS / TIME_CONSTANTS_AN_AGE);
  const seconds2 = Math.min(LONGEST_TIME_CONSTANT_S, wantedS) ** 2;
  return (READING_VAR * READING_INTERVAL_S) / (seconds2 * seconds2);
}

function clip(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}
