import type { MediaTime } from '@loalang/shared';
import { FRAME_SAMPLES, OpusPacketError } from '@loalang/shared/opus';
import type { OpusDecoder } from '@loalang/shared/opus';
import { STAMP_TOLERANCE_US } from './jitter-buffer.ts';
import type { JitterBuffer, StreamFrame } from './jitter-buffer.ts';
import { SAMPLES_PER_US, fadeIn, fadeOut } from './source.ts';
import type { Source } from './source.ts';

// libopus bridges a gap well for about 100 ms; then its guess drones on. So after five frames it fades out.
const AUDIBLE_CONCEALMENT_FRAMES = 5;
// 5 ms: long enough not to click, too short to swallow the beginning of a word.
const JOINT_SAMPLES = 240;
const HALF_SAMPLE_US = 0.5 / SAMPLES_PER_US + 1;

/** Where a stream's frames are counted; counts may be taken back once a gap turns out to be intended silence. */
export interface FrameTally {
  played(frames: number): void;
  concealed(frames: number): void;
  missed(frames: number): void;
}

export interface StreamSourceParts {
  readonly buffer: JitterBuffer;
  readonly decoder: OpusDecoder;
  readonly startAt: MediaTime;
  /** Media time from which nothing more is due; it may come nearer while the stream plays. */
  readonly endUs: () => number;
  readonly tally: FrameTally;
}

/** A live stream: its jitter buffer and decoder. What is missing is concealed, then faded to silence. */
export class StreamSource implements Source {
  readonly #buffer: JitterBuffer;
  readonly #decoder: OpusDecoder;
  readonly #startUs: number;
  readonly #endUs: () => number;
  readonly #tally: FrameTally;
  #position = 0;
  #lostFrames = 0;
  #gap = { concealed: 0, missed: 0 };
  #isSilent = true;
  #isClosed = false;

  constructor({ buffer, decoder, startAt, endUs, tally }: StreamSourceParts) {
    this.#buffer = buffer;
    this.#decoder = decoder;
    this.#startUs = startAt;
    this.#endUs = endUs;
    this.#tally = tally;
  }

  seek(sample: number): void {
    this.#position = sample;
    this.#isSilent = true;
  }

  next(): Float32Array {
    const atUs = this.#startUs + this.#position / SAMPLES_PER_US;
    // Reading ahead goes a little past the end; nothing is missing there.
    if (atUs + STAMP_TOLERANCE_US >= this.#endUs()) return this.#advance(this.#rest(FRAME_SAMPLES));
    this.#tally.missed(this.passOver(atUs));
    const due = this.#buffer.pull(atUs, this.#toleranceUs);
    if (due.kind === 'frame') return this.#advance(this.#play(due.frame, due.lostBefore, atUs));
    const length = due.kind === 'ended' ? FRAME_SAMPLES : this.#lengthUntil(due.untilUs);
    return this.#advance(due.kind === 'lost' ? this.#conceal(length) : this.#rest(length));
  }

  /** Lets go of what was due before `atUs` and not asked for; returns how many frames were not counted yet. */
  passOver(atUs: number): number {
    const passed = this.#buffer.discardBefore(atUs);
    if (passed === 0) return 0;
    const uncounted = Math.max(0, passed - this.#gap.concealed - this.#gap.missed);
    this.#gap = { concealed: 0, missed: 0 };
    return uncounted;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#decoder.close();
  }

  #advance(samples: Float32Array): Float32Array {
    this.#position += samples.length;
    return samples;
  }

  #lengthUntil(untilUs: number | null): number {
    if (untilUs === null) return FRAME_SAMPLES;
    const length = Math.round((untilUs - this.#startUs) * SAMPLES_PER_US) - this.#position;
    return Math.max(1, Math.min(FRAME_SAMPLES, length));
  }

  #play(frame: StreamFrame, lostBefore: number, atUs: number): Float32Array {
    this.#settleGap(lostBefore);
    const trim = this.#trimOf(frame, atUs);
    const tail = trim > 0 && !this.#isSilent ? this.#decoder.conceal() : null;
    const samples = this.#decode(frame.opus).subarray(trim);
    if (tail !== null || this.#isSilent) fadeIn(samples, Math.min(JOINT_SAMPLES, samples.length));
    if (tail !== null) addFading(samples, tail);
    this.#isSilent = false;
    this.#lostFrames = 0;
    return samples;
  }

  // Out of silence a frame begins at its sample; in the flow it is not moved about for a fraction of a millisecond.
  get #toleranceUs(): number {
    return this.#isSilent ? HALF_SAMPLE_US : STAMP_TOLERANCE_US;
  }

  #trimOf(frame: StreamFrame, atUs: number): number {
    const behindUs = atUs - frame.startUs;
    if (behindUs <= this.#toleranceUs) return 0;
    return Math.min(FRAME_SAMPLES - 1, Math.round(behindUs * SAMPLES_PER_US));
  }

  #decode(opus: Uint8Array): Float32Array {
    try {
      const samples = this.#decoder.decode(opus);
      this.#tally.played(1);
      return samples;
    } catch (error) {
      if (!(error instanceof OpusPacketError)) throw error;
      this.#tally.concealed(1);
      return this.#decoder.conceal();
    }
  }

  #conceal(length: number): Float32Array {
    const frames = length / FRAME_SAMPLES;
    this.#lostFrames += frames;
    if (this.#isSilent) {
      this.#countMissed(frames);
      return new Float32Array(length);
    }
    this.#tally.concealed(frames);
    this.#gap.concealed += frames;
    const samples = this.#decoder.conceal().subarray(0, length);
    if (this.#lostFrames > AUDIBLE_CONCEALMENT_FRAMES) {
      fadeOut(samples, length);
      this.#isSilent = true;
    }
    return samples;
  }

  /** Intended silence: what sounded dies away within 5 ms. */
  #rest(length: number): Float32Array {
    if (this.#isSilent) return new Float32Array(length);
    const samples = this.#decoder.conceal().subarray(0, length);
    fadeOut(samples, Math.min(JOINT_SAMPLES, length));
    this.#isSilent = true;
    return samples;
  }

  #countMissed(frames: number): void {
    this.#tally.missed(frames);
    this.#gap.missed += frames;
  }

  // While nothing had arrived, the gap counted as loss. The next frame's number tells how much of it really was.
  #settleGap(lostBefore: number): void {
    const excess = this.#gap.concealed + this.#gap.missed - lostBefore;
    if (excess < 0) this.#tally.missed(-excess);
    const fromMissed = Math.min(Math.max(0, excess), this.#gap.missed);
    if (fromMissed > 0) this.#tally.missed(-fromMissed);
    if (excess > fromMissed) this.#tally.concealed(fromMissed - excess);
    this.#gap = { concealed: 0, missed: 0 };
  }
}

function addFading(samples: Float32Array, tail: Float32Array): void {
  const length = Math.min(JOINT_SAMPLES, samples.length);
  for (let index = 0; index < length; index += 1) {
    samples[index] = (samples[index] ?? 0) + (tail[index] ?? 0) * (1 - (index + 1) / length);
  }
}
