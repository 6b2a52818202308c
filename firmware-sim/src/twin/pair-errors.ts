/** Bins of a microsecond up to 50 ms; beyond, only the largest is kept exactly. */
const BINS = 50_000;

/** What one process found, on its way to another. */
export interface PairCounts {
  readonly bins: Float64Array;
  readonly count: number;
  readonly maxUs: number;
}

/** How far apart receivers were, all pairs at all moments: quantiles to a microsecond, in bounded memory. */
export class PairErrors {
  readonly #bins = new Float64Array(BINS + 1);
  #count = 0;
  #maxUs = 0;

  /** `errorsUs`: of each receiver at one moment; NaN where it knew no time. */
  add(errorsUs: readonly number[]): void {
    for (let a = 0; a < errorsUs.length; a += 1) {
      for (let b = a + 1; b < errorsUs.length; b += 1) {
        const apartUs = Math.abs((errorsUs[a] ?? NaN) - (errorsUs[b] ?? NaN));
        if (!Number.isNaN(apartUs)) this.#addOne(apartUs);
      }
    }
  }

  get counts(): PairCounts {
    return { bins: this.#bins, count: this.#count, maxUs: this.#maxUs };
  }

  merge({ bins, count, maxUs }: PairCounts): void {
    bins.forEach((value, bin) => {
      this.#bins[bin] = (this.#bins[bin] ?? 0) + value;
    });
    this.#count += count;
    this.#maxUs = Math.max(this.#maxUs, maxUs);
  }

  get maxUs(): number {
    return this.#maxUs;
  }

  quantileUs(q: number): number {
    let left = q * this.#count;
    for (let bin = 0; bin < BINS; bin += 1) {
      left -= this.#bins[bin] ?? 0;
      if (left < 0) return bin + 1;
    }
    return this.#maxUs;
  }

  #addOne(apartUs: number): void {
    const bin = Math.min(BINS, Math.floor(apartUs));
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
    this.#count += 1;
    this.#maxUs = Math.max(this.#maxUs, apartUs);
  }
}
