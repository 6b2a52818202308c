/** One moment on both clocks of the machine, microseconds. */
export interface ClockReading {
  readonly wallUs: number;
  readonly monotonicUs: number;
}

/** What media time was at a moment of the monotonic clock. */
export interface SlewState {
  readonly mediaUs: number;
  readonly monotonicUs: number;
}

/** Media time runs at most this much faster or slower than the monotonic clock. */
const MAX_SLEW = 100e-6;
/** The system clock is read in whole milliseconds: a smaller difference is rounding. */
const DEADBAND_US = 1_000;

/**
 * Carries media time on: as far as the monotonic clock went, pulled towards the system's clock by at most 100 ppm of
 * that. So it never steps and never goes back, whatever is done to the system's clock.
 */
export function slew(state: SlewState, reading: ClockReading): SlewState {
  const elapsedUs = Math.max(0, reading.monotonicUs - state.monotonicUs);
  const freeUs = state.mediaUs + elapsedUs;
  const errorUs = reading.wallUs - freeUs;
  const limitUs = elapsedUs * MAX_SLEW;
  const pullUs = Math.abs(errorUs) < DEADBAND_US ? 0 : Math.min(limitUs, Math.max(-limitUs, errorUs));
  return { mediaUs: freeUs + pullUs, monotonicUs: Math.max(state.monotonicUs, reading.monotonicUs) };
}
