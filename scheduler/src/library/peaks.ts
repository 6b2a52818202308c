/** The waveform: the largest absolute sample of each of 200 equal parts. The length is known only at the end, so maxima
 *  of 10 ms are kept on the way: 5 MB for four hours. */
const PARTS = 200;
const BLOCK_SAMPLES = 480;
const FULL_SCALE = 32_768;
const SAMPLES_A_MS = 48;

/** Takes 16-bit mono samples at 48 kHz as they come, in chunks of any size. */
export class PeakMeter {
  readonly #maxima: number[] = [];
  #odd: Buffer = Buffer.alloc(0);
  #samples = 0;

  add(chunk: Buffer): void {
    const bytes = this.#odd.length === 0 ? chunk : Buffer.concat([this.#odd, chunk]);
    const whole = bytes.length - (bytes.length % 2);
    for (let at = 0; at < whole; at += 2) this.#sample(Math.abs(bytes.readInt16LE(at)));
    this.#odd = bytes.subarray(whole);
  }

  get samples(): number {
    return this.#samples;
  }

  get durationMs(): number {
    return Math.round(this.#samples / SAMPLES_A_MS);
  }

  /** 200 values from 0 to 1. */
  peaks(): number[] {
    const blocks = this.#maxima.length;
    return Array.from({ length: PARTS }, (_, part) => {
      const from = Math.floor((part * blocks) / PARTS);
      const to = Math.max(from + 1, Math.floor(((part + 1) * blocks) / PARTS));
      const loudest = this.#maxima.slice(from, to).reduce((most, value) => Math.max(most, value), 0);
      return Math.round((loudest / FULL_SCALE) * 1000) / 1000;
    });
  }

  #sample(magnitude: number): void {
    const block = Math.floor(this.#samples++ / BLOCK_SAMPLES);
    if (magnitude > (this.#maxima[block] ?? -1)) this.#maxima[block] = magnitude;
  }
}
