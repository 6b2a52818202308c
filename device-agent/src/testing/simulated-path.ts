// For tests: the exchanges of a receiver whose crystal drifts, over a path that jitters, with the truth at hand.
import type { ClockSample } from '../clock/index.ts';

export interface Path {
  /** Microseconds one way at least. */
  readonly upUs: number;
  readonly downUs: number;
  /** Mean of the exponential jitter on top, each way. */
  readonly jitterUs: number;
  readonly driftPpm: number;
  /** The platform's clock is slewed from a moment of the monotonic clock on. */
  readonly slew?: { readonly fromUs: number; readonly ppm: number };
}

/** A number from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

const EPOCH_US = 1_790_000_000_000_000;

export class SimulatedPath {
  readonly #path: Path;
  readonly #random: () => number;

  constructor(path: Path, seed: number) {
    this.#path = path;
    this.#random = seeded(seed);
  }

  /** True media time at a moment of the receiver's monotonic clock. */
  truthUs(monotonicUs: number): number {
    const { driftPpm, slew } = this.#path;
    const slewedUs = slew === undefined ? 0 : (Math.max(0, monotonicUs - slew.fromUs) * slew.ppm) / 1e6;
    return EPOCH_US + monotonicUs * (1 + driftPpm / 1e6) + slewedUs;
  }

  /** A burst of eight that begins at a monotonic moment. */
  burst(atUs: number): ClockSample[] {
    return Array.from({ length: 8 }, (_, index) => this.#exchange(atUs + index * 30_000));
  }

  #exchange(t1: number): ClockSample {
    const upUs = this.#path.upUs + this.#jitterUs();
    const downUs = this.#path.downUs + this.#jitterUs();
    const servedUs = 200;
    const t2 = Math.round(this.truthUs(t1) + upUs);
    const t3 = t2 + servedUs;
    return { t1, t2, t3, t4: t1 + upUs + servedUs + downUs };
  }

  #jitterUs(): number {
    return -Math.log(1 - this.#random()) * this.#path.jitterUs;
  }
}
