import type { MonotonicClock, Timer } from '../clock/index.ts';

const EVERY_MS = 30_000;
/** Changes within this are told in one status, so at most four go out a second. */
const COALESCE_MS = 250;

/** Says when a status is due: every 30 s, and soon after each change. */
export class StatusReporter {
  readonly #clock: MonotonicClock;
  readonly #report: () => void;
  #regular: Timer | null = null;
  #soon: Timer | null = null;
  #isOpen = false;

  constructor(clock: MonotonicClock, report: () => void) {
    this.#clock = clock;
    this.#report = report;
  }

  /** The link is up: a status soon, then regularly. */
  start(): void {
    this.#isOpen = true;
    this.changed();
  }

  /** The link is down, or the agent closes. */
  stop(): void {
    this.#isOpen = false;
    this.#regular?.cancel();
    this.#soon?.cancel();
    this.#regular = null;
    this.#soon = null;
  }

  /** Something that the status tells has changed. */
  changed(): void {
    if (!this.#isOpen) return;
    this.#soon ??= this.#clock.after(COALESCE_MS, () => {
      this.#soon = null;
      this.#now();
    });
  }

  #now(): void {
    this.#regular?.cancel();
    this.#regular = this.#clock.after(EVERY_MS, () => this.#now());
    this.#report();
  }
}
