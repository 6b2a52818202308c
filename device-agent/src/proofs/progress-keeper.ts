import type { MonotonicClock, Timer } from '../clock/index.ts';

/** So much of what was heard may go unproved when the power goes; each write costs the card one sync. */
const KEEP_EVERY_MS = 10_000;

/** Has it kept on the disk, while something sounds, how far each broadcast has come: the proof of it if the power goes. */
export class ProgressKeeper {
  readonly #clock: MonotonicClock;
  readonly #keep: () => void;
  #timer: Timer | null = null;

  constructor(clock: MonotonicClock, keep: () => void) {
    this.#clock = clock;
    this.#keep = keep;
  }

  /** Something else sounds from now on, or nothing. */
  sounding(isSounding: boolean): void {
    this.#timer?.cancel();
    this.#timer = isSounding ? this.#clock.after(KEEP_EVERY_MS, () => this.#tick()) : null;
  }

  close(): void {
    this.sounding(false);
  }

  #tick(): void {
    this.#keep();
    this.sounding(true);
  }
}
