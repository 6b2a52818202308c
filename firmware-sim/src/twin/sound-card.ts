import type { Render } from '@loalang/device-agent';
import type { Oscillator } from './oscillator.ts';
import { inSteps, SAMPLES_PER_US } from './virtual-card.ts';
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
  readonly boardCrystal: Oscillator;
  readonly delayStepUs: number;
  readonly render: Render;
  readonly onBlock: (block: HeardBlock) => void;
}

/** A sound card that plays into the truth: block by block, at the pace of its own crystal. */
export class SoundCard {
  readonly #options: SoundCardOptions;
  readonly #samples = new Float32Array(BLOCK_SAMPLES);

  constructor(options: SoundCardOptions) {
    this.#options = options;
  }

  start(): void {
    const { time, crystal, boardCrystal, delayStepUs, render, onBlock } = this.#options;
    const fromUs = time.nowUs;
    render(inSteps(boardCrystal.localUs(fromUs), delayStepUs), this.#samples);
    const usPerSample = 1 / SAMPLES_PER_US / crystal.rateAt(fromUs);
    onBlock({ fromUs, usPerSample, samples: this.#samples });
    time.at(fromUs + BLOCK_SAMPLES * usPerSample, () => this.start());
  }
}
