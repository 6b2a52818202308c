import { addUs } from '@loalang/shared';
import type { MediaTime } from '@loalang/shared';
import { SAMPLES_PER_US } from './source.ts';

// Follows media time along the line of samples that the sink plays. The estimate of media time moves in small steps
// and is rounded to microseconds; following each would be heard as roughness. So the line runs at its own rate, learnt
// like a phase-locked loop: the rate takes up the drift between the two clocks, and what error is left is worked off
// within about two seconds by at most 300 ppm, which nobody hears. Above 5 ms the line is given up and begun anew.
//
// A receiver may sound later than media time says, by its acoustic offset. The line then lies so much behind. A new
// offset is known exactly and so does not go through the loop, which would take it for drift: the line is simply run
// slower or faster, within what the correction leaves of the same 300 ppm. 100 ms take five and a half minutes so; where
// nothing sounds, whoever renders settles it at once.

/** Above this the line starts anew. */
export const RESTART_ABOVE_US = 5_000;
export const MAX_CORRECTION = 300e-6;
const TIME_CONSTANT_S = 2;
const SAMPLE_RATE = 48_000;
// Critical damping: the drift is learnt twice as slowly as the error is worked off.
const DRIFT_TIME_CONSTANT_S = 2 * TIME_CONSTANT_S;

/** A stretch of output: its first sample lies `offset` samples after `base`, each next one `step` samples later. */
export interface Span {
  readonly base: MediaTime;
  readonly offset: number;
  readonly step: number;
  /** The line jumped: what sounds must be faded over. */
  readonly isRestart: boolean;
}

interface Line {
  readonly base: MediaTime;
  readonly offset: number;
}

export class Steering {
  #line: Line | null = null;
  #drift = 0;
  #delayUs = 0;
  #wantedDelayUs = 0;

  /** How far the line lies behind media time now. */
  get delayUs(): number {
    return this.#delayUs;
  }

  /** How far it shall lie behind. */
  get wantedDelayUs(): number {
    return this.#wantedDelayUs;
  }

  /** From now on the line makes for this delay. */
  aim(delayUs: number): void {
    this.#wantedDelayUs = delayUs;
  }

  /** Takes the wanted delay at once, for when nothing sounds. */
  settle(): void {
    if (this.#delayUs === this.#wantedDelayUs) return;
    this.#delayUs = this.#wantedDelayUs;
    this.forget();
  }

  /** Forgets the line, for when nothing sounds: the next stretch begins exactly where media time is. */
  forget(): void {
    this.#line = null;
  }

  /**
   * The stretch of the next `count` samples, of which the first is heard at media time `at`. `slope` is how fast media time runs
   * against the sink's clock, asked for only at the beginning of a line.
   */
  advance(at: MediaTime, count: number, slope: () => number): Span {
    const line = this.#line;
    const errorSamples = line === null ? 0 : (at - this.#delayUs - line.base) * SAMPLES_PER_US - line.offset;
    const isRestart = line !== null && Math.abs(errorSamples) > RESTART_ABOVE_US * SAMPLES_PER_US;
    if (line === null || isRestart) {
      this.#drift = clamp(slope() - 1);
      return this.#move({ base: addUs(at, -this.#delayUs), offset: 0 }, count, 1 + this.#drift, isRestart);
    }
    const drift = this.#drift;
    const correction = this.#correct(errorSamples, count);
    return this.#move(line, count, 1 + drift + correction - this.#slew(correction, count), false);
  }

  #correct(errorSamples: number, count: number): number {
    const wanted = errorSamples / (TIME_CONSTANT_S * SAMPLE_RATE);
    const correction = clamp(wanted);
    // A drift learnt while the correction is at its bound would overshoot.
    if (wanted === correction) {
      this.#drift = clamp(this.#drift + (errorSamples * count) / (DRIFT_TIME_CONSTANT_S * SAMPLE_RATE) ** 2);
    }
    return correction;
  }

  /** By how much the line runs slower in order to come nearer to the wanted delay. */
  #slew(correction: number, count: number): number {
    const wanted = ((this.#wantedDelayUs - this.#delayUs) * SAMPLES_PER_US) / count;
    const slew = Math.max(correction - MAX_CORRECTION, Math.min(correction + MAX_CORRECTION, wanted));
    this.#delayUs = slew === wanted ? this.#wantedDelayUs : this.#delayUs + (slew * count) / SAMPLES_PER_US;
    return slew;
  }

  #move(line: Line, count: number, step: number, isRestart: boolean): Span {
    this.#line = { base: line.base, offset: line.offset + count * step };
    return { base: line.base, offset: line.offset, step, isRestart };
  }
}

function clamp(rate: number): number {
  return Math.max(-MAX_CORRECTION, Math.min(MAX_CORRECTION, rate));
}
