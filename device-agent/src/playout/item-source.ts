import type { OggOpusReader } from '@loalang/shared/ogg';
import { FRAME_SAMPLES, OpusPacketError } from '@loalang/shared/opus';
import type { OpusDecoder } from '@loalang/shared/opus';
import type { Source } from './source.ts';

/** A cached asset: plays from wherever it is placed, with the decoder warmed up by the reader's pre-roll. */
export class ItemSource implements Source {
  readonly #reader: OggOpusReader;
  readonly #decoder: OpusDecoder;
  readonly #onConcealed: () => void;
  #position = 0;
  #skipSamples: number;
  #isClosed = false;

  constructor(reader: OggOpusReader, decoder: OpusDecoder, onConcealed: () => void) {
    this.#reader = reader;
    this.#decoder = decoder;
    this.#onConcealed = onConcealed;
    this.#skipSamples = 0;
  }

  get totalSamples(): number {
    return this.#reader.info.totalSamples;
  }

  seek(sample: number): void {
    this.#position = sample;
    this.#skipSamples = this.#reader.seek(Math.max(0, sample)).skipSamples;
  }

  next(): Float32Array {
    const remaining = this.totalSamples - this.#position;
    if (this.#position < 0) return this.#silence(Math.min(FRAME_SAMPLES, -this.#position));
    if (remaining <= 0) return this.#silence(FRAME_SAMPLES);
    const samples = this.#decodeNext();
    if (samples === null) return this.#silence(Math.min(FRAME_SAMPLES, remaining));
    const due = samples.subarray(0, Math.min(samples.length, remaining));
    this.#position += due.length;
    return due;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#decoder.close();
  }

  #decodeNext(): Float32Array | null {
    for (let packet = this.#reader.next(); packet !== null; packet = this.#reader.next()) {
      const samples = this.#decode(packet);
      const skipped = Math.min(this.#skipSamples, samples.length);
      this.#skipSamples -= skipped;
      if (skipped < samples.length) return samples.subarray(skipped);
    }
    return null;
  }

  // One bad packet in a file is bridged like a lost one; a damaged page, which holds a second of them, is not.
  #decode(packet: Uint8Array): Float32Array {
    try {
      return this.#decoder.decode(packet);
    } catch (error) {
      if (!(error instanceof OpusPacketError)) throw error;
      this.#onConcealed();
      return this.#decoder.conceal();
    }
  }

  #silence(length: number): Float32Array {
    this.#position += length;
    return new Float32Array(length);
  }
}
