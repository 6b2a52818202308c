import type { MediaTime } from '@loalang/shared';
import { SAMPLES_PER_US } from './source.ts';

// Follows media time along the line of samples that the sink plays. The estimate of media time moves in small steps
// and is rounded to microseconds; following each would be heard as roughness. So the line runs at its own rate, learnt
// like a phase-locked loop: the rate takes up the drift between the two clocks, and what error is left is worked off
// within about two seconds by at most 300 ppm, which nobody hears. Above 5 ms the line is given up and begun anew.

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

  /** Forgets the line, for when nothing sounds: the next stretch begins exactly where media time is. */
  forget(): void {
    this.#line = null;
  }

  /**
   * The stretch of the next `count` samples, of which the first is heard at `at`. `slope` is how fast media time runs
   * against the sink's clock, asked for only at the beginning of a line.
   */
  advance(at: MediaTime, count: number, slope: () => number): Span {
    const line = this.#line;
    const errorSamples = line === null ? 0 : (at - line.base) * SAMPLES_PER_US - line.offset;
    const isRestart = line !== null && Math.abs(errorSamples) > RESTART_ABOVE_US * SAMPLES_PER_US;
    if (line === null || isRestart) {
      this.#drift = clamp(slope() - 1);
      return this.#move({ base: at, offset: 0 }, count, 1 + this.#drift, isRestart);
    }
    return this.#move(line, count, 1 + this.#correct(errorSamples, count), false);
  }

  /** The stretch that follows when media time is not known any more: straight on, for the last fade. */
  coast(count: number): Span | null {
    return this.#line === null ? null : this.#move(this.#line, count, 1 + this.#drift, false);
  }

  #correct(errorSamples: number, count: number): number {
    const wanted = errorSamples / (TIME_CONSTANT_S * SAMPLE_RATE);
    const correction = clamp(wanted);
    const rate = this.#drift + correction;
    // A drift learnt while the correction is at its bound would overshoot.
    if (wanted === correction) {
      this.#drift = clamp(this.#drift + (errorSamples * count) / (DRIFT_TIME_CONSTANT_S * SAMPLE_RATE) ** 2);
    }
    return rate;
  }

  #move(line: Line, count: number, step: number, isRestart: boolean): Span {
    this.#line = { base: line.base, offset: line.offset + count * step };
    return { base: line.base, offset: line.offset, step, isRestart };
  }
}

function clamp(rate: number): number {
  return Math.max(-MAX_CORRECTION, Math.min(MAX_CORRECTION, rate));
}
