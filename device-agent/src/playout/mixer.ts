import type { Armed } from './arming.ts';
import type { Broadcast } from './broadcast.ts';
import { GainRamp } from './gain-ramp.ts';
import { MAX_READ_SAMPLES } from './resampler.ts';
import { fadeOut } from './source.ts';
import type { Source } from './source.ts';

/** 20 ms: a change from one broadcast to another. */
export const FADE_SAMPLES = 960;
// 5 ms at the beginning of an item, which is not cut into but may begin with a sample far from zero.
const BEGIN_SAMPLES = 240;
// 100 ms: a change of volume glides.
const VOLUME_SAMPLES = 4_800;
// Tails last 20 ms; only a storm of changes could pile up more. Then the oldest is cut.
const MAX_TAILS = 8;

interface Voice {
  readonly broadcast: Broadcast;
  readonly armed: Armed<Source>;
  readonly fade: GainRamp;
  readonly volume: GainRamp;
  position: number;
  step: number;
  lastSample: number;
}

interface Tail {
  readonly samples: Float32Array;
  offset: number;
}

/** What a voice gave: how many samples, over which stretch of its own line, and the sum of their squares. */
export interface Contribution {
  readonly position: number;
  readonly samples: number;
  /** So many samples of its own, which is not the same where it is played a little faster or slower. */
  readonly covered: number;
  readonly squares: number;
}

/**
 * One voice that sounds, and the tails of those that were cut off. A voice that ends is rendered 20 ms ahead and faded
 * at once, so that its source is free the same moment.
 */
export class Mixer {
  readonly #scratch = new Float32Array(MAX_READ_SAMPLES);
  #voice: Voice | null = null;
  #tails: Tail[] = [];

  get current(): Broadcast | null {
    return this.#voice?.broadcast ?? null;
  }

  get isIdle(): boolean {
    return this.#voice === null && this.#tails.length === 0;
  }

  /** Whether the voice still reads from the source that the broadcast has now. */
  get isStale(): boolean {
    return this.#voice !== null && this.#voice.broadcast.armed !== this.#voice.armed;
  }

  /** Begins a voice from silence at a gain. What sounded must have been released. */
  begin(broadcast: Broadcast, armed: Armed<Source>, position: number, gain: number): void {
    const fade = new GainRamp(0, position < BEGIN_SAMPLES ? BEGIN_SAMPLES : FADE_SAMPLES);
    fade.setGoal(1);
    const volume = new GainRamp(gain, VOLUME_SAMPLES);
    this.#voice = { broadcast, armed, fade, volume, position, step: 1, lastSample: 0 };
  }

  /** Adds the voice to `out`, from a position of its source on, on its way to a gain. Throws where the source does. */
  mix(position: number, step: number, gain: number, out: Float32Array): Contribution {
    const voice = this.#voice;
    if (voice === null) return { position, samples: 0, covered: 0, squares: 0 };
    voice.volume.setGoal(gain);
    voice.position = position;
    voice.step = step;
    const samples = this.#read(voice, out.length);
    add(samples, out);
    return contributionOf(samples, position, step);
  }

  /** Cuts the voice off with a fade, rendered ahead; null where none sounds. A broken source ends on its last sample. */
  release(fadeSamples: number): Contribution | null {
    const voice = this.#voice;
    if (voice === null) return null;
    this.#voice = null;
    if (voice.broadcast.armed !== voice.armed) return this.#releaseBroken(voice);
    const { position } = voice;
    try {
      const samples = this.#read(voice, Math.max(1, Math.min(FADE_SAMPLES, fadeSamples))).slice();
      fadeOut(samples, samples.length);
      this.#keepTail(samples);
      return contributionOf(samples, position, voice.step);
    } catch {
      // The source failed in its last 20 ms: nothing is lost but those.
      return this.#releaseBroken(voice);
    }
  }

  /** Forgets all that sounds: nobody hears its end. */
  silence(): void {
    this.#voice = null;
    this.#tails = [];
  }

  /** Adds what is left of the tails to `out`. */
  mixTails(out: Float32Array): void {
    for (const tail of this.#tails) {
      const rest = tail.samples.subarray(tail.offset, tail.offset + out.length);
      add(rest, out);
      tail.offset += rest.length;
    }
    this.#tails = this.#tails.filter(({ samples, offset }) => offset < samples.length);
  }

  #read(voice: Voice, count: number): Float32Array {
    const samples = this.#scratch.subarray(0, count);
    voice.armed.resampler.read(voice.position, voice.step, samples);
    voice.position += count * voice.step;
    voice.fade.apply(samples);
    voice.volume.apply(samples);
    voice.lastSample = samples.at(-1) ?? 0;
    return samples;
  }

  #releaseBroken({ lastSample, position }: Voice): Contribution {
    const samples = new Float32Array(BEGIN_SAMPLES).fill(lastSample);
    fadeOut(samples, samples.length);
    this.#keepTail(samples);
    return { position, samples: 0, covered: 0, squares: 0 };
  }

  #keepTail(samples: Float32Array): void {
    this.#tails.push({ samples, offset: 0 });
    if (this.#tails.length > MAX_TAILS) this.#tails.shift();
  }
}

function add(samples: Float32Array, out: Float32Array): void {
  for (let index = 0; index < samples.length; index += 1) {
    out[index] = (out[index] ?? 0) + (samples[index] ?? 0);
  }
}

function contributionOf(samples: Float32Array, position: number, step: number): Contribution {
  const { length } = samples;
  return { position, samples: length, covered: length * step, squares: squaresOf(samples) };
}

function squaresOf(samples: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < samples.length; index += 1) sum += (samples[index] ?? 0) ** 2;
  return sum;
}
