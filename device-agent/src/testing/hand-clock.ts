import type { MonotonicClock, Timer } from '../clock/index.ts';

/** For tests: time that passes only when told to. */
export class HandClock implements MonotonicClock {
  #nowUs = 1e6;
  #order = 0;
  readonly #timers = new Map<number, { atUs: number; fn: () => void }>();

  nowUs(): number {
    return this.#nowUs;
  }

  after(ms: number, fn: () => void): Timer {
    this.#order += 1;
    const id = this.#order;
    this.#timers.set(id, { atUs: this.#nowUs + ms * 1000, fn });
    return { cancel: () => this.#timers.delete(id) };
  }

  /** Lets time pass, and everything happen that is due in it, in order. */
  advance(ms: number): void {
    const endUs = this.#nowUs + ms * 1000;
    for (let next = this.#next(endUs); next !== null; next = this.#next(endUs)) {
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.fn();
    }
    this.#nowUs = endUs;
  }

  #next(endUs: number): { atUs: number; fn: () => void } | null {
    const due = [...this.#timers].filter(([, { atUs }]) => atUs <= endUs);
    const [first] = due.toSorted(([a, x], [b, y]) => x.atUs - y.atUs || a - b);
    if (first === undefined) return null;
    this.#timers.delete(first[0]);
    return first[1];
  }
}
