import type { MonotonicClock, Timer } from '../clock/index.ts';

interface Due {
  readonly atUs: number;
  fn: (() => void) | null;
}

/** For tests: time that passes only when told to. */
export class HandClock implements MonotonicClock {
  #nowUs = 1e6;
  /** Latest first; of those due at one moment the one that was asked for last comes first. */
  readonly #timers: Due[] = [];

  nowUs(): number {
    return this.#nowUs;
  }

  after(ms: number, fn: () => void): Timer {
    const due: Due = { atUs: this.#nowUs + ms * 1000, fn };
    this.#timers.splice(this.#placeOf(due.atUs), 0, due);
    return {
      cancel: () => {
        due.fn = null;
      },
    };
  }

  /** Lets time pass, and everything happen that is due in it, in order. */
  advance(ms: number): void {
    const endUs = this.#nowUs + ms * 1000;
    for (
      let next = this.#timers.at(-1);
      next !== undefined && next.atUs <= endUs;
      next = this.#timers.at(-1)
    ) {
      this.#timers.pop();
      if (next.fn === null) continue;
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.fn();
    }
    this.#nowUs = endUs;
  }

  #placeOf(atUs: number): number {
    let [low, high] = [0, this.#timers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle]?.atUs ?? 0) > atUs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
