import type { MediaTime } from '@loalang/shared';

interface Bucket {
  readonly tokens: number;
  readonly at: MediaTime;
}

/** More receivers than one platform serves; beyond it the one that was refilled longest ago is forgotten. */
const MAX_KEYS = 200_000;

/** A token bucket for each key (a receiver). */
export class RateBound {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor({ burst, perSecond }: { burst: number; perSecond: number }) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Takes so many tokens; false, and nothing taken, where fewer are left. */
  take(key: string, now: MediaTime, cost = 1): boolean {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    const refill = (Math.max(0, now - bucket.at) / 1e6) * this.#perSecond;
    const tokens = Math.min(this.#burst, bucket.tokens + refill);
    const isAllowed = tokens >= cost;
    // Deleting first keeps the map ordered by last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: isAllowed ? tokens - cost : tokens, at: now });
    this.#forgetOldest();
    return isAllowed;
  }

  #forgetOldest(): void {
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > MAX_KEYS && oldest.done !== true) this.#buckets.delete(oldest.value);
  }
}
