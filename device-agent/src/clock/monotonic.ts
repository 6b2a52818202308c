/** Something that was asked to happen later. */
export interface Timer {
  cancel(): void;
}

/** The board's own clock: it never jumps, and means nothing to anybody else. Injected, so that tests and twins own the time. */
export interface MonotonicClock {
  nowUs(): number;
  after(ms: number, fn: () => void): Timer;
}

/** Asked for more, a timer of Node rings at once: who looks whether it is time yet would do nothing else. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** CLOCK_MONOTONIC and the timers of Node. */
export const systemClock: MonotonicClock = {
  nowUs: () => Number(process.hrtime.bigint() / 1000n),
  after(ms, fn) {
    const handle = setTimeout(fn, Math.min(LONGEST_WAIT_MS, ms));
    return { cancel: () => clearTimeout(handle) };
  },
};
