/** So many a second, and at most `burst` of them at once. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** How many seconds' worth of a rate may come at once: what a receiver sends when it is back after an outage. */
const BURST_S = 4;

export function rateOf(perSecond: number): Rate {
  return { perSecond, burst: perSecond * BURST_S };
}

/** A token bucket. Knows no clock: whoever asks says the time, in milliseconds of a clock that never goes back. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  /** Starts full. */
  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** How many there are; below zero: how many are owed. */
  level(nowMs: number): number {
    const refill = (Math.max(0, nowMs - this.#atMs) / 1000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + refill);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  /** Takes one where there is one. */
  take(nowMs: number): boolean {
    if (this.level(nowMs) < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes so many, whether they are there or not. Never more than `burst` are owed, so that it comes to an end. */
  charge(count: number, nowMs: number): void {
    this.#tokens = Math.max(-this.#rate.burst, this.level(nowMs) - count);
  }

  /** How long until there is one again. */
  waitMs(nowMs: number): number {
    return (Math.max(0, 1 - this.level(nowMs)) / this.#rate.perSecond) * 1000;
  }
}

/** Of more keys than this, the one that was used longest ago is forgotten, and so begins anew with a full bucket. */
const MAX_KEYS = 16_384;

/** A token bucket for each key, such as an address. */
export class BucketTable {
  readonly #rate: Rate;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: Rate, maxKeys = MAX_KEYS) {
    this.#rate = rate;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  of(key: string, nowMs: number): TokenBucket {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, nowMs);
    // Deleting first keeps the map in the order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > this.#maxKeys && oldest.done !== true) this.#buckets.delete(oldest.value);
    return bucket;
  }
}
