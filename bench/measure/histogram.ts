const FINE_MS = 0.1;
const FINE_END_MS = 1_000;
const COARSE_MS = 10;
const FINE_BUCKETS = FINE_END_MS / FINE_MS;
/** What is later than 100 s counts as that late. */
const BUCKETS = FINE_BUCKETS + 9_900;

/** How late many things were: counted, since there are millions, to 0.1 ms below a second and to 10 ms above. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(ms: number): void {
    this.#counts[bucketOf(ms)]! += 1;
    this.#total += 1;
  }

  /** What is counted, as pairs of a bucket and its count. */
  toPairs(): [number, number][] {
    return [...this.#counts.entries()].filter(([, count]) => count > 0);
  }

  addPairs(pairs: readonly (readonly [number, number])[]): void {
    for (const [bucket, count] of pairs) {
      this.#counts[Math.min(bucket, BUCKETS - 1)]! += count;
      this.#total += count;
    }
  }

  /** What a share (0 to 1) of all is not above; the upper end of its bucket. */
  quantile(share: number): number {
    let left = Math.max(1, Math.ceil(share * this.#total));
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return upperEndMs(bucket);
    }
    return Number.NaN;
  }
}

function bucketOf(ms: number): number {
  if (ms < FINE_END_MS) return Math.max(0, Math.floor(ms / FINE_MS));
  return Math.min(BUCKETS - 1, FINE_BUCKETS + Math.floor((ms - FINE_END_MS) / COARSE_MS));
}

function upperEndMs(bucket: number): number {
  if (bucket < FINE_BUCKETS) return (bucket + 1) * FINE_MS;
  return FINE_END_MS + (bucket - FINE_BUCKETS + 1) * COARSE_MS;
}
