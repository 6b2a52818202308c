// Keeps the sum of what sounds below full scale without being heard: it looks ahead and turns down in time.
//
// Each sample asks for a gain that brings it to the threshold. The least gain asked for within the look-ahead (a sliding
// minimum, by a queue of ascending candidates: Lemire, *Streaming maximum-minimum filter*, 2006) rises again with a time
// constant, and is smoothed by a moving average as long as the look-ahead. Every value of that average was at most what the
// sample now going out asked for, so the average is, too: never above the threshold, and no step in the gain. The scheme is
// Geraint Luff's (*Designing a straightforward limiter*, signalsmith-audio.co.uk, 2022).

/** 5 ms. What comes out went in so many samples before: whoever renders asks for what is heard so much later. */
export const LOOK_AHEAD_SAMPLES = 240;
/** -1 dBFS: room for what a converter's filter makes between the samples. */
export const THRESHOLD = 10 ** (-1 / 20);
/** 60 ms: slower than the pitch of a voice, faster than a word. */
const RELEASE_SAMPLES = 2_880;
/** Nothing that is meant is louder; a sample that a bug made must not silence what follows it. */
const MOST = 8;
/** -100 dB: so near to 1 it is 1. */
const AT_REST = 1 - 1e-5;

export class Limiter {
  readonly #delay = new Float32Array(LOOK_AHEAD_SAMPLES);
  #place = 0;
  /** Gains asked for within the look-ahead, ascending, each with the count of samples at which it was. */
  readonly #asked: { gain: number; at: number }[] = [];
  readonly #window = new Float64Array(LOOK_AHEAD_SAMPLES).fill(1);
  #sum = LOOK_AHEAD_SAMPLES;
  #released = 1;
  #count = 0;
  /** From this count on all gains are 1 and nothing is computed. */
  #restFrom = 0;

  /** Takes samples, and puts in their place those of `LOOK_AHEAD_SAMPLES` before, from -1 to 1 whatever came in. */
  process(samples: Float32Array): void {
    for (let index = 0; index < samples.length; index += 1) {
      const sample = tame(samples[index] ?? 0);
      const gain = this.#gainWith(Math.abs(sample));
      const due = (this.#delay[this.#place] ?? 0) * gain;
      this.#delay[this.#place] = sample;
      this.#place = (this.#place + 1) % LOOK_AHEAD_SAMPLES;
      samples[index] = due > 1 ? 1 : due < -1 ? -1 : due;
    }
  }

  /** Forgets what has not come out yet. */
  reset(): void {
    this.#delay.fill(0);
  }

  /** The gain of the sample that goes out as one of this level comes in. */
  #gainWith(level: number): number {
    this.#count += 1;
    if (level <= THRESHOLD && this.#count > this.#restFrom) return 1;
    this.#ask(level <= THRESHOLD ? 1 : THRESHOLD / level);
    const held = this.#asked[0]?.gain ?? 1;
    const risen = this.#released + (held - this.#released) / RELEASE_SAMPLES;
    this.#released = Math.min(held, risen > AT_REST ? 1 : risen);
    if (this.#released < 1) this.#restFrom = this.#count + 2 * LOOK_AHEAD_SAMPLES;
    return this.#smooth(this.#released);
  }

  #ask(gain: number): void {
    while ((this.#asked.at(-1)?.gain ?? -1) >= gain) this.#asked.pop();
    this.#asked.push({ gain, at: this.#count });
    while ((this.#asked[0]?.at ?? Infinity) < this.#count - LOOK_AHEAD_SAMPLES) this.#asked.shift();
  }

  #smooth(gain: number): number {
    const slot = this.#count % LOOK_AHEAD_SAMPLES;
    this.#sum += gain - (this.#window[slot] ?? 1);
    this.#window[slot] = gain;
    // Rounding would pile up in the sum.
    if (this.#count >= this.#restFrom) this.#sum = LOOK_AHEAD_SAMPLES;
    return this.#sum / LOOK_AHEAD_SAMPLES;
  }
}

function tame(sample: number): number {
  if (Number.isNaN(sample)) return 0;
  return sample > MOST ? MOST : sample < -MOST ? -MOST : sample;
}
