import { MTU_BYTES, type CapacityTrace } from './capacity-trace.ts';

/** What limits how fast bytes leave: asked in order of time, answers when the last byte of a chunk has left. */
export interface Capacity {
  serve(bytes: number, nowUs: number): number;
}

/** A line without a limit. */
export const unlimited: Capacity = { serve: (_bytes, nowUs) => nowUs };

/**
 * A token bucket: a steady rate, and after a rest so many bytes at once. Kept as the time at which the debt is paid
 * off, so that nothing has to tick.
 */
export class ConstantRate implements Capacity {
  readonly #usPerByte: number;
  readonly #burstUs: number;
  #paidAtUs = Number.NEGATIVE_INFINITY;

  constructor(rateKbps: number, burstBytes: number) {
    if (!(rateKbps > 0)) throw new RangeError(`a rate of ${rateKbps} kbit/s lets nothing through`);
    this.#usPerByte = 8000 / rateKbps;
    this.#burstUs = burstBytes * this.#usPerByte;
  }

  serve(bytes: number, nowUs: number): number {
    this.#paidAtUs = Math.max(this.#paidAtUs, nowUs - this.#burstUs) + bytes * this.#usPerByte;
    return Math.max(nowUs, this.#paidAtUs);
  }
}

/**
 * A recorded radio: bytes leave only at the moments of the trace, 1500 at each; a moment at which nothing waits is
 * lost. The trace starts over at its end.
 */
export class TraceCapacity implements Capacity {
  readonly #atMs: readonly number[];
  readonly #periodMs: number;
  #startUs: number | null = null;
  /** The opportunity in use, counted over all rounds, and the bytes left of it. */
  #index = 0;
  #bytesLeft = MTU_BYTES;

  constructor(trace: CapacityTrace) {
    this.#atMs = trace.opportunitiesMs;
    this.#periodMs = trace.periodMs;
  }

  serve(bytes: number, nowUs: number): number {
    this.#startUs ??= nowUs;
    if (this.#timeOfUs(this.#index) < nowUs) this.#skipTo(nowUs);
    let left = bytes;
    while (left > this.#bytesLeft) {
      left -= this.#bytesLeft;
      this.#index += 1;
      this.#bytesLeft = MTU_BYTES;
    }
    this.#bytesLeft -= left;
    return Math.max(nowUs, this.#timeOfUs(this.#index));
  }

  #timeOfUs(index: number): number {
    const round = Math.floor(index / this.#atMs.length);
    const atMs = this.#atMs[index % this.#atMs.length] ?? 0;
    return (this.#startUs ?? 0) + (round * this.#periodMs + atMs) * 1000;
  }

  #skipTo(nowUs: number): void {
    const sinceMs = (nowUs - (this.#startUs ?? 0)) / 1000;
    const round = Math.floor(sinceMs / this.#periodMs);
    const withinMs = sinceMs - round * this.#periodMs;
    this.#index = round * this.#atMs.length + firstAtOrAfter(this.#atMs, withinMs);
    this.#bytesLeft = MTU_BYTES;
  }
}

/** Index of the first value not below the limit; the length where there is none. */
function firstAtOrAfter(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
