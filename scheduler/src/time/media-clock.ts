import { mediaTime, type MediaTime } from '@loalang/shared';
import { slew, type ClockReading, type SlewState } from './slew.ts';

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

function readSystemClocks(): ClockReading {
  return { wallUs: Date.now() * 1000, monotonicUs: Number(process.hrtime.bigint() / 1000n) };
}

/** Media time of this platform: the system's clock at start, then monotonic, slewed to the system's clock. */
export class MediaClock implements Clock {
  readonly #read: () => ClockReading;
  #state: SlewState;

  constructor(read: () => ClockReading = readSystemClocks) {
    this.#read = read;
    const { wallUs, monotonicUs } = read();
    this.#state = { mediaUs: wallUs, monotonicUs };
  }

  now(): MediaTime {
    this.#state = slew(this.#state, this.#read());
    return mediaTime(Math.round(this.#state.mediaUs));
  }

  /** How far the system's clock is ahead of media time, microseconds. */
  offsetUs(): number {
    const reading = this.#read();
    this.#state = slew(this.#state, reading);
    return reading.wallUs - this.#state.mediaUs;
  }

  after(ms: number, fn: () => void): Timer {
    const handle = setTimeout(fn, Math.min(MAX_TIMEOUT_MS, Math.max(0, ms)));
    return { cancel: () => clearTimeout(handle) };
  }
}
