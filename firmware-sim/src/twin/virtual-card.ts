import { Steering, type Timeline } from '@loalang/device-agent';
import type { Oscillator } from './oscillator.ts';
import type { VirtualTime } from './virtual-time.ts';

export const SAMPLES_PER_US = 48 / 1000;

export interface VirtualCardOptions {
  readonly time: VirtualTime;
  readonly timeline: Timeline;
  /** Counts samples; the board's crystal counts the time in which the delay is read. */
  readonly crystal: Oscillator;
  readonly boardCrystal: Oscillator;
  /** The card tells its delay in steps of this: a sample, a USB frame, a DMA burst. */
  readonly delayStepUs: number;
  /** It asks for so many samples at once; a day of them is counted, not computed. */
  readonly blockSamples: number;
}

/**
 * A sound card that plays no sound: it asks the receiver's steering which stretch of media time each block is, exactly
 * as the mixer does, and remembers what is really being heard. The delay it tells is quantised, as real ones are.
 */
export class VirtualCard {
  readonly #options: VirtualCardOptions;
  readonly #steering = new Steering();
  /** The stretch that sounds now: heard from a true moment on, and what it is in media time. */
  #heard: { readonly fromUs: number; readonly mediaUs: number; readonly rate: number } | null = null;
  restarts = 0;

  constructor(options: VirtualCardOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next();
  }

  /** Media time that is heard at this moment; null while it is silent. */
  heardMediaUs(nowUs: number): number | null {
    const heard = this.#heard;
    return heard === null ? null : heard.mediaUs + (nowUs - heard.fromUs) * heard.rate;
  }

  #next(): void {
    const { time, crystal, blockSamples } = this.#options;
    this.#play(time.nowUs, crystal.rateAt(time.nowUs));
    const blockUs = blockSamples / SAMPLES_PER_US / crystal.rateAt(time.nowUs);
    time.at(time.nowUs + blockUs, () => this.#next());
  }

  #play(fromUs: number, rate: number): void {
    const { timeline, boardCrystal, blockSamples, delayStepUs } = this.#options;
    const heardAtUs = inSteps(boardCrystal.localUs(fromUs), delayStepUs);
    const at = timeline.toMediaTime(heardAtUs);
    const span =
      at === null
        ? this.#steering.coast(blockSamples)
        : this.#steering.advance(at, blockSamples, () => this.#slope(heardAtUs));
    if (span === null) return;
    if (span.isRestart) this.restarts += 1;
    const mediaUs = span.base + span.offset / SAMPLES_PER_US;
    this.#heard = { fromUs, mediaUs, rate: span.step * rate };
  }

  #slope(heardAtUs: number): number {
    const ahead = 1e6;
    const [now, later] = [
      this.#options.timeline.toMediaTime(heardAtUs),
      this.#options.timeline.toMediaTime(heardAtUs + ahead),
    ];
    return now === null || later === null ? 1 : (later - now) / ahead;
  }
}

/** A delay is told as what the card has reported last: on average half a step old, which a driver takes off. */
export function inSteps(localUs: number, stepUs: number): number {
  return Math.floor(localUs / stepUs) * stepUs + stepUs / 2;
}
