import type { MonotonicClock } from '../clock/index.ts';

/** Full jitter over a growing span, so that a village does not come back in chorus. */
export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  readonly #random: () => number;
  #tries = 0;

  constructor(firstMs: number, mostMs: number, random: () => number) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#random = random;
  }

  /** How long to wait before the next try: at least the first span; at most twice of it, which doubles with each try. */
  nextMs(): number {
    const spanMs = Math.min(this.#mostMs, this.#firstMs * 2 ** (this.#tries + 1));
    this.#tries = Math.min(this.#tries + 1, 30);
    return this.#firstMs + this.#random() * (spanMs - this.#firstMs);
  }

  /** It worked: start over. */
  reset(): void {
    this.#tries = 0;
  }
}

/** Waits on the injected clock; returns early, without an error, when the signal aborts. */
export async function pause(clock: MonotonicClock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(ms, finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}
