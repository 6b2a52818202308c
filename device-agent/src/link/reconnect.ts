import type { Backoff } from './backoff.ts';

/** A connection that lasted this long was a good one. */
const GOOD_US = 30_000_000;
/** The first waits for a good connection that broke, each drawn between one and two times of it. */
const QUICK_MS = [100, 200, 400] as const;

/** How one connection went, or the attempt at one. */
export interface Past {
  /** From the first try to its end. */
  readonly lastedUs: number;
  /** An error or silence ended it; without one the broker ended it in good order. */
  readonly isBroken: boolean;
}

/**
 * How long to wait before the next try. A good connection that broke was lost by this receiver's own network, as a rule,
 * and half a second of waiting is half a second of a live stream: it is tried again at once, then quickly a few times. A
 * broker that goes ends all connections in good order: then receivers come back spread. Whatever fails on waits longer
 * each time.
 */
export class Reconnect {
  readonly #backoff: Backoff;
  readonly #random: () => number;
  #quick: readonly number[] = [];

  constructor(backoff: Backoff, random: () => number) {
    this.#backoff = backoff;
    this.#random = random;
  }

  afterMs({ lastedUs, isBroken }: Past): number {
    if (lastedUs > GOOD_US) {
      this.#backoff.reset();
      this.#quick = isBroken ? QUICK_MS : [];
      if (isBroken) return 0;
    }
    const [quickMs, ...later] = this.#quick;
    this.#quick = later;
    return quickMs === undefined ? this.#backoff.nextMs() : quickMs * (1 + this.#random());
  }
}
