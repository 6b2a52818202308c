import { PHASES, TAPS, buildSincTable } from './sinc.ts';
import type { Source } from './source.ts';

// Reads a source at fractional positions. The caller says where and how fast; who steers is `steering.ts`.

const BEFORE = TAPS / 2 - 1;
const AFTER = TAPS / 2;
/** The most that one call reads. */
export const MAX_READ_SAMPLES = 960;
const CAPACITY = 4096;
// Shared by all receivers of a process: 66 KB.
const table = buildSincTable().coefficients;

export class Resampler {
  readonly #source: Source;
  readonly #window = new Float32Array(CAPACITY);
  #start = 0;
  #length = 0;
  #isPlaced = false;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Forgets what was read ahead: the source is placed anew by the next read. */
  reset(): void {
    this.#isPlaced = false;
  }

  /** Fills `out` (at most 960) with the source from `position` on, `step` samples of the source for each. */
  read(position: number, step: number, out: Float32Array): void {
    const first = Math.floor(position) - BEFORE;
    const end = Math.floor(position + (out.length - 1) * step) + AFTER + 1;
    this.#place(first);
    while (this.#start + this.#length < end) this.#append(this.#source.next());
    interpolate(this.#window, position - this.#start, step, out);
  }

  #place(first: number): void {
    const isWithin = this.#isPlaced && first >= this.#start && first <= this.#start + this.#length;
    if (!isWithin) {
      this.#source.seek(first);
      this.#start = first;
      this.#length = 0;
      this.#isPlaced = true;
      return;
    }
    const passed = first - this.#start;
    this.#window.copyWithin(0, passed, this.#length);
    this.#start = first;
    this.#length -= passed;
  }

  #append(samples: Float32Array): void {
    this.#window.set(samples, this.#length);
    this.#length += samples.length;
  }
}

function interpolate(window: Float32Array, from: number, step: number, out: Float32Array): void {
  for (let index = 0; index < out.length; index += 1) {
    const position = from + index * step;
    const whole = Math.floor(position);
    const phase = (position - whole) * PHASES;
    const row = Math.floor(phase);
    const blend = phase - row;
    const low = row * TAPS;
    const high = low + TAPS;
    const first = whole - BEFORE;
    let sumLow = 0;
    let sumHigh = 0;
    for (let tap = 0; tap < TAPS; tap += 1) {
      const sample = window[first + tap] ?? 0;
      sumLow += sample * (table[low + tap] ?? 0);
      sumHigh += sample * (table[high + tap] ?? 0);
    }
    out[index] = sumLow + blend * (sumHigh - sumLow);
  }
}
