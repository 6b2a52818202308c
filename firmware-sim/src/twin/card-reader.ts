import { DeviceLine } from '@loalang/device-agent';
import { drawExponential, seededRandom, type Random } from '../random.ts';
import type { Oscillator } from './oscillator.ts';

export const SAMPLES_PER_US = 48 / 1000;
/** 200 ms: what the receiver keeps a card filled with. */
export const BUFFER_SAMPLES = 9_600;

/** How a card tells its delay. */
export interface CardProfile {
  /** It moves on in steps of so many samples: a USB frame, a DMA burst. */
  readonly stepSamples: number;
  /** Standard deviation of the moment to which a reading belongs; errors are alike for about `ALIKE_FOR_US`. */
  readonly noiseUs: number;
}

/** Frames of a millisecond, read with real-time priority. */
export const USB_CARD: CardProfile = { stepSamples: 48, noiseUs: 40 };
/** Bursts of 10 ms. */
export const DMA_CARD: CardProfile = { stepSamples: 480, noiseUs: 40 };
/** Told to the sample, but read at ordinary priority on a busy machine: as was measured through PulseAudio. */
export const BUSY_CARD: CardProfile = { stepSamples: 1, noiseUs: 640 };

const ALIKE_FOR_US = 1_500_000;
/** The receiver's timer fires so long after the last reading and a little more: at least, and on average beyond that. */
const READ_EACH_US = 20_000;
const TIMER_LATE_US = 150;
const TIMER_LATER_US = 100;
const ALIKE = Math.exp(-READ_EACH_US / ALIKE_FOR_US);
/** What is new in each reading, of a number drawn evenly between 0 and 1. */
const FRESH = Math.sqrt(1 - ALIKE ** 2) * Math.sqrt(12);

export interface CardReaderOptions {
  readonly seed: string;
  readonly profile: CardProfile;
  /** Counts samples; the board's crystal counts the time in which the delay is read. */
  readonly crystal: Oscillator;
  readonly boardCrystal: Oscillator;
}

/**
 * Reads a virtual card some 50 times a second, as the feeder of a real one does, and hands the readings to the agent's own line.
 * Readings depend on the crystals and on chance only, never on what is played. So nobody can tell whether they were
 * made one by one or, as here, all those since the last block just before the next: no event for each.
 */
export class CardReader {
  readonly #line = new DeviceLine();
  readonly #options: CardReaderOptions;
  readonly #random: Random;
  #beganUs = 0;
  #readUs = 0;
  #lateUs = 0;
  #slowUs = 0;

  constructor(options: CardReaderOptions) {
    this.#options = options;
    this.#random = seededRandom(`readings ${options.seed}`);
  }

  /** The line of the card lost itself so often. */
  get moves(): number {
    return this.#line.moves;
  }

  get pace(): number {
    return this.#line.pace;
  }

  /** The card plays its first sample at this true moment. */
  start(nowUs: number): void {
    this.#beganUs = this.#options.crystal.localUs(nowUs);
    this.#readUs = nowUs;
  }

  /** Makes the readings of the time since the last call. */
  readUntil(nowUs: number): void {
    for (let atUs = this.#nextReadUs(); atUs <= nowUs; atUs = this.#nextReadUs()) {
      this.#readUs = atUs;
      this.#read(atUs);
    }
  }

  /** When the agent believes that a sample is heard, by the board's clock; null while it can't say. */
  heardAtUs(sample: number, nowUs: number): number | null {
    const { boardCrystal } = this.#options;
    return this.#line.isKnown(boardCrystal.localUs(nowUs)) ? this.#line.heardAtUs(sample) : null;
  }

  /** When a sample of the next second is really heard. */
  playsAtUs(sample: number, nowUs: number): number {
    const { crystal } = this.#options;
    const leftUs = sample / SAMPLES_PER_US - this.#playedUs(nowUs);
    return nowUs + leftUs / crystal.rateAt(nowUs);
  }

  #nextReadUs(): number {
    return this.#readUs + READ_EACH_US + this.#lateUs;
  }

  #read(atUs: number): void {
    const { profile, boardCrystal } = this.#options;
    this.#lateUs = TIMER_LATE_US + drawExponential(this.#random) * TIMER_LATER_US;
    const playedSamples = this.#playedUs(atUs + this.#noiseUs(profile.noiseUs)) * SAMPLES_PER_US;
    const told = Math.floor(playedSamples / profile.stepSamples) * profile.stepSamples;
    this.#line.observe(told + BUFFER_SAMPLES, BUFFER_SAMPLES, boardCrystal.localUs(atUs));
  }

  #playedUs(trueUs: number): number {
    return this.#options.crystal.localUs(trueUs) - this.#beganUs;
  }

  // Noise of first order: what was, a little less, and something new.
  #noiseUs(deviationUs: number): number {
    this.#slowUs = ALIKE * this.#slowUs + FRESH * (this.#random.next() - 0.5) * deviationUs;
    return this.#slowUs;
  }
}
