import type { MonotonicClock, Timer } from '../clock/monotonic.ts';
import type { Render } from './sink.ts';

export const BLOCK_SAMPLES = 960;
export const BLOCK_US = 20_000;
// As a sound card, it wants its samples a little before they are heard.
const LEAD_US = 20_000;
// A process that stood still for so long (stopped, suspended) begins anew: nobody wants the backlog computed.
const GIVE_UP_AFTER_US = 1_000_000;

/**
 * A sound card made of time alone: block k is heard exactly k x 20 ms after the line's start, even where it is computed
 * late.
 */
export class PacedLine {
  readonly #clock: MonotonicClock;
  readonly #onBlock: (heardAtUs: number, samples: Float32Array) => void;
  readonly #block = new Float32Array(BLOCK_SAMPLES);
  #startUs = 0;
  #nextBlock = 0;
  #timer: Timer | null = null;

  /** `onBlock` gets each block after it was rendered; the samples are only lent. */
  constructor(clock: MonotonicClock, onBlock: (heardAtUs: number, samples: Float32Array) => void) {
    this.#clock = clock;
    this.#onBlock = onBlock;
  }

  start(render: Render): void {
    if (this.#timer !== null) return;
    this.#restart();
    this.#schedule(render);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #restart(): void {
    this.#startUs = this.#clock.nowUs() + LEAD_US;
    this.#nextBlock = 0;
  }

  get #nextHeardAtUs(): number {
    return this.#startUs + this.#nextBlock * BLOCK_US;
  }

  #schedule(render: Render): void {
    const waitUs = this.#nextHeardAtUs - LEAD_US - this.#clock.nowUs();
    this.#timer = this.#clock.after(Math.max(0, Math.ceil(waitUs / 1000)), () => this.#wake(render));
  }

  #wake(render: Render): void {
    if (this.#timer === null) return;
    if (this.#clock.nowUs() - this.#nextHeardAtUs > GIVE_UP_AFTER_US) this.#restart();
    while (this.#nextHeardAtUs - LEAD_US <= this.#clock.nowUs()) this.#renderBlock(render);
    this.#schedule(render);
  }

  #renderBlock(render: Render): void {
    const heardAtUs = this.#nextHeardAtUs;
    this.#nextBlock += 1;
    render(heardAtUs, this.#block);
    this.#onBlock(heardAtUs, this.#block);
  }
}
