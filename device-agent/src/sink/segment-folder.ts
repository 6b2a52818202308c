import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaTime } from '@loalang/shared';
import { WavSegment } from './wav-segment.ts';

const SEGMENT_NAME = /^\d{1,16}\.wav$/;
// 10 s of sound: a disk that stands still for longer loses blocks, which are counted, and the segment ends there.
const MAX_WAITING_SAMPLES = 480_000;

/**
 * Writes segments into a folder, one step after the other, without ever keeping the caller waiting. The oldest files
 * beyond `keepSegments` are removed. What the disk refuses is reported, and the segment is given up.
 */
export class SegmentFolder {
  readonly #folder: string;
  readonly #keepSegments: number;
  readonly #onError: (error: unknown) => void;
  #segment: WavSegment | null = null;
  #queue: Promise<void> = Promise.resolve();
  #waitingSamples = 0;

  constructor(options: { folder: string; keepSegments: number; onError: (error: unknown) => void }) {
    this.#folder = options.folder;
    this.#keepSegments = Math.max(1, options.keepSegments);
    this.#onError = options.onError;
  }

  /** Ends the segment before, and begins one whose first sample is heard at `at`. */
  begin(at: MediaTime): void {
    this.#enqueue(async () => {
      await this.#endSegment();
      await mkdir(this.#folder, { recursive: true });
      this.#segment = await WavSegment.create(join(this.#folder, `${at}.wav`));
      await this.#removeOldest();
    });
  }

  /** Adds samples to the segment; false where too many wait already and these are dropped. */
  append(samples: Int16Array): boolean {
    if (this.#waitingSamples + samples.length > MAX_WAITING_SAMPLES) return false;
    this.#waitingSamples += samples.length;
    this.#enqueue(async () => {
      this.#waitingSamples -= samples.length;
      await this.#segment?.append(samples);
    });
    return true;
  }

  end(): void {
    this.#enqueue(() => this.#endSegment());
  }

  /** Resolves when everything asked for so far is on its way to the disk. */
  settled(): Promise<void> {
    return this.#queue;
  }

  #enqueue(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(step).catch(async (error: unknown) => {
      this.#onError(error);
      await this.#endSegment().catch(this.#onError);
    });
  }

  async #endSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = null;
    await segment?.close();
  }

  async #removeOldest(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => SEGMENT_NAME.test(name));
    const oldest = names.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    for (const name of oldest.slice(0, -this.#keepSegments))
      await rm(join(this.#folder, name), { force: true });
  }
}
