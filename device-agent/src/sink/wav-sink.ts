import { addUs } from '@loalang/shared';
import type { MediaTime } from '@loalang/shared';
import type { MonotonicClock } from '../clock/monotonic.ts';
import { BLOCK_SAMPLES, PacedLine } from './paced-line.ts';
import { FRAMES_PER_US, toInt16 } from './pcm.ts';
import { SegmentFolder } from './segment-folder.ts';
import type { Render, Sink } from './sink.ts';

export interface WavSinkOptions {
  readonly folder: string;
  readonly segmentMs: number;
  readonly keepSegments: number;
  readonly clock: MonotonicClock;
  /** Media time of a monotonic moment; null while it isn't known: then nothing is written. */
  readonly mediaTimeAt: (monotonicUs: number) => MediaTime | null;
  /** Told of what the disk refused. The line goes on. */
  readonly onError?: (error: unknown) => void;
}

// Sample i of a segment was heard at its name + i/48000 s, to within this; else a new segment begins.
const MAX_DRIFT_US = 1_000;
// Half a second a write: a block each 20 ms from each of many receivers would be all system calls.
const FLUSH_SAMPLES = 24_000;
// After a refusal by the disk the next segment waits, so that a full disk is not tried 50 times a second.
const RETRY_AFTER_US = 5_000_000;

interface OpenSegment {
  readonly at: MediaTime;
  samples: number;
}

/** Writes what is heard into WAV segments, each named by the media time of its first sample in microseconds. */
export class WavSink implements Sink {
  readonly kind = 'wav';
  readonly #options: WavSinkOptions;
  readonly #line: PacedLine;
  readonly #folder: SegmentFolder;
  readonly #segmentSamples: number;
  #segment: OpenSegment | null = null;
  #pending = new Int16Array(FLUSH_SAMPLES);
  #pendingSamples = 0;
  #retryAtUs = -Infinity;

  constructor(options: WavSinkOptions) {
    this.#options = options;
    this.#segmentSamples = Math.max(BLOCK_SAMPLES, Math.round(options.segmentMs * 48));
    this.#line = new PacedLine(options.clock, (heardAtUs, samples) => this.#take(heardAtUs, samples));
    const onError = (error: unknown): void => this.#fail(error);
    this.#folder = new SegmentFolder({ folder: options.folder, keepSegments: options.keepSegments, onError });
  }

  start(render: Render): Promise<void> {
    this.#line.start(render);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#line.close();
    this.#endSegment();
    await this.#folder.settled();
  }

  #take(heardAtUs: number, samples: Float32Array): void {
    const at = this.#options.mediaTimeAt(heardAtUs);
    if (at === null || heardAtUs < this.#retryAtUs) {
      this.#endSegment();
      return;
    }
    const segment = this.#segmentFor(at);
    toInt16(samples, this.#pending.subarray(this.#pendingSamples));
    segment.samples += samples.length;
    this.#pendingSamples += samples.length;
    if (this.#pendingSamples + BLOCK_SAMPLES > FLUSH_SAMPLES) this.#flush();
  }

  #segmentFor(at: MediaTime): OpenSegment {
    const open = this.#segment;
    if (open !== null && open.samples < this.#segmentSamples) {
      const driftUs = at - addUs(open.at, open.samples / FRAMES_PER_US);
      if (Math.abs(driftUs) <= MAX_DRIFT_US) return open;
    }
    this.#flush();
    this.#folder.begin(at);
    const segment = { at, samples: 0 };
    this.#segment = segment;
    return segment;
  }

  #flush(): void {
    if (this.#pendingSamples === 0) return;
    const isTaken = this.#folder.append(this.#pending.slice(0, this.#pendingSamples));
    this.#pendingSamples = 0;
    // A hole inside a segment would shift all that follows.
    if (!isTaken) this.#endSegment();
  }

  #endSegment(): void {
    if (this.#segment === null) return;
    this.#segment = null;
    this.#flush();
    this.#folder.end();
  }

  #fail(error: unknown): void {
    this.#segment = null;
    this.#pendingSamples = 0;
    this.#retryAtUs = this.#options.clock.nowUs() + RETRY_AFTER_US;
    this.#options.onError?.(error);
  }
}
