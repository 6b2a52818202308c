import { Steering, type Span, type Timeline } from '@loalang/device-agent';
import { BUFFER_SAMPLES, SAMPLES_PER_US, type CardReader } from './card-reader.ts';
import type { Oscillator } from './oscillator.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface VirtualCardOptions {
  readonly time: VirtualTime;
  readonly timeline: Timeline;
  readonly crystal: Oscillator;
  readonly reader: CardReader;
  /** It asks for so many samples at once; a day of them is counted, not computed. */
  readonly blockSamples: number;
}

/**
 * A sound card that plays no sound: when there is room for a block it asks the agent's line when that will be heard, and
 * its steering which stretch of media time that is, exactly as feeder and mixer do; and remembers what is really heard.
 */
export class VirtualCard {
  readonly #options: VirtualCardOptions;
  readonly #steering = new Steering();
  /** The stretch that sounds now: heard from a true moment on, and what it is in media time. */
  #heard: { readonly fromUs: number; readonly mediaUs: number; readonly rate: number } | null = null;
  #written = BUFFER_SAMPLES;
  restarts = 0;

  constructor(options: VirtualCardOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.reader.start(this.#options.time.nowUs);
    this.#next();
  }

  /** Media time that is heard at this moment; null while it is silent. */
  heardMediaUs(nowUs: number): number | null {
    const heard = this.#heard;
    return heard === null ? null : heard.mediaUs + (nowUs - heard.fromUs) * heard.rate;
  }

  #next(): void {
    const { time, reader, blockSamples } = this.#options;
    reader.readUntil(time.nowUs);
    const span = this.#write();
    this.#hear(span, reader.playsAtUs(this.#written, time.nowUs));
    this.#written += blockSamples;
    time.at(reader.playsAtUs(this.#written - BUFFER_SAMPLES, time.nowUs), () => this.#next());
  }

  #write(): Span | null {
    const { time, timeline, reader, blockSamples } = this.#options;
    const heardAtUs = reader.heardAtUs(this.#written, time.nowUs);
    if (heardAtUs === null) return null;
    const at = timeline.toMediaTime(heardAtUs);
    if (at === null) {
      this.#steering.forget();
      return null;
    }
    return this.#steering.advance(at, blockSamples, () => this.#slope(heardAtUs) * reader.pace);
  }

  // What is heard before stays until then; without a span it is silence.
  #hear(span: Span | null, fromUs: number): void {
    const { time, crystal } = this.#options;
    if (span === null) {
      time.at(fromUs, () => {
        this.#heard = null;
      });
      return;
    }
    if (span.isRestart) this.restarts += 1;
    const mediaUs = span.base + span.offset / SAMPLES_PER_US;
    const rate = span.step * crystal.rateAt(fromUs);
    time.at(fromUs, () => {
      this.#heard = { fromUs, mediaUs, rate };
    });
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
