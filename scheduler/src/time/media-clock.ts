import { mediaTime, type MediaTime } from '@loalang/shared';
import { mediaUsAt, type Line } from './line.ts';
import { readMonotonicUs } from './machine-clocks.ts';

export interface Timer {
  cancel(): void;
}

/** Time as the domain sees it. */
export interface Clock {
  now(): MediaTime;
  /** Calls back once, `ms` of monotonic time from now. */
  after(ms: number, fn: () => void): Timer;
}

/** The longest that setTimeout can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Media time by a line: the one that the time service keeps, or the one that it left behind. */
export class MediaClock implements Clock {
  readonly #line: () => Line;
  readonly #monotonicUs: () => number;
  #lastUs = 0;

  constructor(line: () => Line, monotonicUs: () => number = readMonotonicUs) {
    this.#line = line;
    this.#monotonicUs = monotonicUs;
  }

  /** Never goes back: a line taken over a moment late may lie some microseconds behind the one before. */
  now(): MediaTime {
    const monotonicUs = this.#monotonicUs();
    this.#lastUs = Math.max(this.#lastUs, Math.round(mediaUsAt(this.#line(), monotonicUs)));
    return mediaTime(this.#lastUs);
  }

  after(ms: number, fn: () => void): Timer {
    const handle = setTimeout(fn, Math.min(MAX_TIMEOUT_MS, Math.max(0, ms)));
    return { cancel: () => clearTimeout(handle) };
  }
}
