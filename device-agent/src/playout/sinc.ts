// A Kaiser-windowed sinc, cut into phases. 32 taps with beta 9 keep images of speech below -90 dB; between two of the
// 256 phases the filter is interpolated in a line, which adds less than that again.

export const TAPS = 32;
export const PHASES = 256;
const BETA = 9;

export interface SincTable {
  /** TAPS coefficients of each phase, one phase after the other; phase 256 is phase 0 one sample later. */
  readonly coefficients: Float64Array;
}

/** Computes the table: phase p, tap k weighs the sample k - 15 places from the floor of the reading position. */
export function buildSincTable(): SincTable {
  const coefficients = new Float64Array((PHASES + 1) * TAPS);
  for (let phase = 0; phase <= PHASES; phase += 1) {
    const taps = coefficients.subarray(phase * TAPS, (phase + 1) * TAPS);
    for (let tap = 0; tap < TAPS; tap += 1) taps[tap] = windowedSinc(tap - (TAPS / 2 - 1) - phase / PHASES);
    // Without this a constant would come out with a ripple of the phase.
    const sum = taps.reduce((total, value) => total + value, 0);
    for (let tap = 0; tap < TAPS; tap += 1) taps[tap] = (taps[tap] ?? 0) / sum;
  }
  return { coefficients };
}

function windowedSinc(distance: number): number {
  const relative = distance / (TAPS / 2);
  if (Math.abs(relative) >= 1) return 0;
  const angle = Math.PI * distance;
  const sinc = distance === 0 ? 1 : Math.sin(angle) / angle;
  return (sinc * besselI0(BETA * Math.sqrt(1 - relative * relative))) / besselI0(BETA);
}

// Modified Bessel function of the first kind, order 0, by its power series.
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-16; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
