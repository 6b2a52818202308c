import type { Render } from '@loalang/device-agent';
import { BUFFER_SAMPLES, SAMPLES_PER_US, type CardReader } from './card-reader.ts';
import type { Oscillator } from './oscillator.ts';
import type { VirtualTime } from './virtual-time.ts';

const BLOCK_SAMPLES = 960;

/** What a card played: its first sample at a true moment, each next one so much later. The samples are only lent. */
export interface HeardBlock {
  readonly fromUs: number;
  readonly usPerSample: number;
  readonly samples: Float32Array;
}

export interface SoundCardOptions {
  readonly time: VirtualTime;
  readonly crystal: Oscillator;
  readonly reader: CardReader;
  readonly render: Render;
  readonly onBlock: (block: HeardBlock) => void;
}

/** A sound card that plays into the truth: block by block, at the pace of its own crystal. */
export class SoundCard {
  readonly #options: SoundCardOptions;
  readonly #samples = new Float32Array(BLOCK_SAMPLES);
  #written = BUFFER_SAMPLES;

  constructor(options: SoundCardOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.reader.start(this.#options.time.nowUs);
    this.#next();
  }

  #next(): void {
    const { time, reader } = this.#options;
    reader.readUntil(time.nowUs);
    this.#write();
    this.#written += BLOCK_SAMPLES;
    time.at(reader.playsAtUs(this.#written - BUFFER_SAMPLES, time.nowUs), () => this.#next());
  }

  #write(): void {
    const { time, crystal, reader, render, onBlock } = this.#options;
    const heardAtUs = reader.heardAtUs(this.#written, time.nowUs);
    if (heardAtUs === null) return;
    render(heardAtUs, this.#samples, reader.pace);
    const fromUs = reader.playsAtUs(this.#written, time.nowUs);
    const usPerSample = 1 / SAMPLES_PER_US / crystal.rateAt(fromUs);
    onBlock({ fromUs, usPerSample, samples: this.#samples });
  }
}
