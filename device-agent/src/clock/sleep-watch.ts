// CLOCK_MONOTONIC, which everything here counts by, stands still while the board sleeps; CLOCK_BOOTTIME does not. How much
// they have moved apart is how long it slept.
import { uptime } from 'node:os';
import type { MonotonicClock, Timer } from './monotonic.ts';

/** What a card still holds after a sleep is silence for longer than this. */
const LOOK_EVERY_MS = 50;
/** The time since the boot is told in steps of 10 ms, and the two clocks are read one after the other. */
const NOTICED_ABOVE_US = 30_000;

/** CLOCK_BOOTTIME in microseconds. */
export const bootTimeUs = (): number => uptime() * 1e6;

/** Tells of each sleep of the board. Owns one timer. */
export class SleepWatch {
  readonly #clock: MonotonicClock;
  readonly #bootUs: () => number;
  readonly #onSlept: (sleptUs: number) => void;
  #apartUs: number;
  #timer: Timer | null = null;

  constructor(options: { clock: MonotonicClock; bootUs: () => number; onSlept: (sleptUs: number) => void }) {
    this.#clock = options.clock;
    this.#bootUs = options.bootUs;
    this.#onSlept = options.onSlept;
    this.#apartUs = this.#readApart() ?? 0;
  }

  start(): void {
    this.#timer = this.#clock.after(LOOK_EVERY_MS, () => {
      this.look();
      this.start();
    });
  }

  /** Has it slept? To be asked too before anything of the time is believed. */
  look(): void {
    const apartUs = this.#readApart();
    if (apartUs === null) return;
    const sleptUs = apartUs - this.#apartUs;
    if (sleptUs > NOTICED_ABOVE_US) {
      this.#apartUs = apartUs;
      this.#onSlept(sleptUs);
    } else if (sleptUs < -NOTICED_ABOVE_US) {
      // No sleep is taken back: a container that shows another time since boot than before.
      this.#apartUs = apartUs;
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  // A process held up between two readings would pass for a sleep: then neither is used.
  #readApart(): number | null {
    const beforeUs = this.#clock.nowUs();
    const bootUs = this.#bootUs();
    const afterUs = this.#clock.nowUs();
    return afterUs - beforeUs > NOTICED_ABOVE_US / 3 ? null : bootUs - (beforeUs + afterUs) / 2;
  }
}
