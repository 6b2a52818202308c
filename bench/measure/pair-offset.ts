// How far two recordings of one sound are from each other, window by window. Normalised cross-correlation (by Fourier
// transform), its peak found to a part of a sample by a parabola through the largest three values.
import { Fft } from './fft.ts';

const SAMPLE_RATE = 48_000;
const WINDOW = SAMPLE_RATE / 2;
/** Neighbours apart by more count as gaps: the windows no longer hold the same sound. */
const MAX_LAG = 0.4 * SAMPLE_RATE;
const FFT_SIZE = 65_536;
/** Below it the two windows do not hold the same sound: one of them was silent for a part, or both. */
const LEAST_CORRELATION = 0.6;
const SILENT_POWER = 1e-7;

export interface WindowOffset {
  /** Middle of the window from the beginning of the recording. */
  readonly atS: number;
  /** How much later the second has it; null where the two have no sound in common. */
  readonly offsetMs: number | null;
  readonly correlation: number;
}

export class PairOffsets {
  readonly #fft = new Fft(FFT_SIZE);
  readonly #aRe = new Float64Array(FFT_SIZE);
  readonly #aIm = new Float64Array(FFT_SIZE);
  readonly #bRe = new Float64Array(FFT_SIZE);
  readonly #bIm = new Float64Array(FFT_SIZE);

  /** All windows of half a second, one every half second. */
  measure(first: Float32Array, second: Float32Array): WindowOffset[] {
    const offsets: WindowOffset[] = [];
    const end = Math.min(first.length, second.length) - WINDOW - MAX_LAG;
    for (let at = MAX_LAG; at <= end; at += WINDOW) {
      const part = second.subarray(at - MAX_LAG, at + WINDOW + MAX_LAG);
      const found = this.#bestLag(first.subarray(at, at + WINDOW), part);
      const isSame = found.correlation >= LEAST_CORRELATION;
      offsets.push({
        atS: (at + WINDOW / 2) / SAMPLE_RATE,
        offsetMs: isSame ? ((found.lag - MAX_LAG) / SAMPLE_RATE) * 1000 : null,
        correlation: found.correlation,
      });
    }
    return offsets;
  }

  #bestLag(window: Float32Array, part: Float32Array): { lag: number; correlation: number } {
    const product = this.#crossCorrelate(window, part);
    const energies = runningEnergies(part);
    const power = window.reduce((sum, sample) => sum + sample * sample, 0);
    const at = (lag: number): number => {
      const energy = (energies[lag + WINDOW] ?? 0) - (energies[lag] ?? 0);
      if (power < SILENT_POWER * WINDOW || energy < SILENT_POWER * WINDOW) return 0;
      return (product[lag] ?? 0) / Math.sqrt(power * energy);
    };
    let best = 0;
    for (let lag = 1; lag <= 2 * MAX_LAG; lag += 1) if (at(lag) > at(best)) best = lag;
    return { lag: best + vertex(at(best - 1), at(best), at(best + 1)), correlation: at(best) };
  }

  /** At each lag: the sum of window[i] * part[i + lag]. */
  #crossCorrelate(window: Float32Array, part: Float32Array): Float64Array {
    const [aRe, aIm, bRe, bIm] = [this.#aRe, this.#aIm, this.#bRe, this.#bIm];
    for (const [array, samples] of [
      [aRe, window],
      [bRe, part],
    ] as const) {
      array.fill(0);
      array.set(samples);
    }
    aIm.fill(0);
    bIm.fill(0);
    this.#fft.transform(aRe, aIm);
    this.#fft.transform(bRe, bIm);
    for (let i = 0; i < FFT_SIZE; i += 1) {
      const [ar, ai, br, bi] = [aRe[i] ?? 0, aIm[i] ?? 0, bRe[i] ?? 0, bIm[i] ?? 0];
      aRe[i] = (ar * br + ai * bi) / FFT_SIZE;
      aIm[i] = (ar * bi - ai * br) / FFT_SIZE;
    }
    this.#fft.inverse(aRe, aIm);
    return aRe;
  }
}

function runningEnergies(samples: Float32Array): Float64Array {
  const sums = new Float64Array(samples.length + 1);
  for (let i = 0; i < samples.length; i += 1) sums[i + 1] = (sums[i] ?? 0) + (samples[i] ?? 0) ** 2;
  return sums;
}

/** Where the parabola through three neighbours is highest, from the middle one. */
function vertex(before: number, middle: number, after: number): number {
  const bend = before - 2 * middle + after;
  return bend >= 0 ? 0 : (before - after) / (2 * bend);
}
