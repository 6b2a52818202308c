import { addUs } from '@loalang/shared';
import type { MediaTime } from '@loalang/shared';
import { SAMPLE_RATE } from '@loalang/shared/opus';
import { SAMPLES_PER_US, fromInt16, toInt16 } from './source.ts';

export const MONITOR_SECONDS = 12;
const CAPACITY = MONITOR_SECONDS * SAMPLE_RATE;
// A step of media time larger than this begins a new stretch; smaller ones are the steering's.
const SAME_STRETCH_US = 1_000;
const STRETCH_SAMPLES = SAMPLE_RATE;

/** What was heard from a media time on. */
export interface Heard {
  readonly from: MediaTime;
  readonly samples: Float32Array;
}

interface Stretch {
  readonly at: MediaTime;
  readonly index: number;
}

/** The last 12 s of what was rendered, whoever asks to listen. 16 bits, to take half the memory: 1.2 MB. */
export class MonitorRing {
  readonly #samples = new Int16Array(CAPACITY);
  // Where stretches of media time begin; at least each second one, at most one a block, oldest dropped.
  #stretches: Stretch[] = [];
  #written = 0;

  /** Keeps a block whose first sample was heard at `at`. */
  push(at: MediaTime, block: Float32Array): void {
    this.#mark(at);
    for (let index = 0; index < block.length; index += 1) {
      this.#samples[(this.#written + index) % CAPACITY] = toInt16(block[index] ?? 0);
    }
    this.#written += block.length;
  }

  /** Keeps a block of silence. */
  pushSilence(at: MediaTime, count: number): void {
    this.#mark(at);
    const start = this.#written % CAPACITY;
    this.#samples.fill(0, start, Math.min(CAPACITY, start + count));
    if (start + count > CAPACITY) this.#samples.fill(0, 0, Math.min(CAPACITY, start + count - CAPACITY));
    this.#written += count;
  }

  /** What was heard from a media time on (null: the latest), as much of it as is kept; null where nothing is. */
  recent(from: MediaTime | null, durationMs: number): Heard | null {
    const wanted = Math.max(0, Math.round(durationMs * 1000 * SAMPLES_PER_US));
    const oldest = Math.max(0, this.#written - CAPACITY);
    const start = Math.max(oldest, from === null ? this.#written - wanted : this.#indexAt(from));
    const end = Math.min(this.#written, start + wanted);
    const at = this.#mediaAt(start);
    if (at === null || end <= start) return null;
    const samples = new Float32Array(end - start);
    for (let index = 0; index < samples.length; index += 1) {
      samples[index] = fromInt16(this.#samples[(start + index) % CAPACITY] ?? 0);
    }
    return { from: at, samples };
  }

  #mark(at: MediaTime): void {
    const last = this.#stretches.at(-1);
    const expected = last === undefined ? null : this.#mediaAt(this.#written);
    const isNew = expected === null || Math.abs(at - expected) > SAME_STRETCH_US;
    if (!isNew && this.#written - (last?.index ?? 0) < STRETCH_SAMPLES) return;
    this.#stretches.push({ at, index: this.#written });
    const oldest = this.#written - CAPACITY;
    const firstKept = this.#stretches.findLastIndex((stretch) => stretch.index <= oldest);
    if (firstKept > 0) this.#stretches = this.#stretches.slice(firstKept);
  }

  // The latest stretch that begins at or before the time: after a step backwards the newer one is meant.
  #indexAt(from: MediaTime): number {
    const stretch = this.#stretches.findLast(({ at }) => at <= from);
    return stretch === undefined ? 0 : stretch.index + Math.round((from - stretch.at) * SAMPLES_PER_US);
  }

  #mediaAt(index: number): MediaTime | null {
    const stretch = this.#stretches.findLast((each) => each.index <= index);
    return stretch === undefined ? null : addUs(stretch.at, (index - stretch.index) / SAMPLES_PER_US);
  }
}
