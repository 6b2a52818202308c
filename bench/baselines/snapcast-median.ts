import type { Baseline, Exchange } from './baseline.ts';

/** Quick requests at the start, then one a second (`sendTimeSyncMessage` in client/controller.cpp). */
const QUICK_SYNCS = 50;
const QUICK_US = 100;
const USUAL_US = 1_000_000;
const BUFFER = 200;

/**
 * Snapcast's rule (badaix/snapcast, client/time_provider.cpp): the offset is the median of the last 200 exchanges, and a
 * pause of a minute empties the buffer. There is no drift.
 */
export class SnapcastMedian implements Baseline {
  readonly #last: number[] = [];
  readonly #sorted: number[] = [];
  #taken = 0;
  #atUs = 0;

  pauseUs(): number {
    return this.#taken < QUICK_SYNCS ? QUICK_US : USUAL_US;
  }

  take({ t1, t2, t3, t4 }: Exchange): void {
    if (t4 - this.#atUs > 60e6) this.#forget();
    this.#atUs = t4;
    this.#taken += 1;
    const offsetUs = (t2 - t1 + (t3 - t4)) / 2;
    this.#last.push(offsetUs);
    this.#sorted.splice(this.#placeOf(offsetUs), 0, offsetUs);
    if (this.#last.length <= BUFFER) return;
    this.#sorted.splice(this.#placeOf(this.#last.shift() ?? 0), 1);
  }

  offsetUs(): number | null {
    return this.#sorted[Math.floor(this.#sorted.length / 2)] ?? null;
  }

  #forget(): void {
    this.#last.length = 0;
    this.#sorted.length = 0;
  }

  #placeOf(value: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
