// For tests: sound that can be recognised, as samples and as an asset.
import { encodeRecording } from '../listen/recording.ts';

/** A sweep whose pitch tells the moment; speech-like in level. */
export function sweep(durationMs: number, fromHz = 300, toHz = 2_000): Float32Array {
  const samples = new Float32Array(durationMs * 48);
  const seconds = durationMs / 1000;
  for (let index = 0; index < samples.length; index += 1) {
    const t = index / 48_000;
    const phase = 2 * Math.PI * (fromHz * t + ((toHz - fromHz) * t * t) / (2 * seconds));
    samples[index] = 0.3 * Math.sin(phase) * (0.6 + 0.4 * Math.sin(2 * Math.PI * 3 * t));
  }
  return samples;
}

/** The samples as an asset. */
export async function encodeAsset(samples: Float32Array): Promise<Uint8Array> {
  return encodeRecording(samples);
}

/** Normalised correlation of two stretches, the second shifted by up to so many samples; the best, and where. */
export function bestCorrelation(
  a: Float32Array,
  b: Float32Array,
  maxShift: number,
): { value: number; shift: number } {
  let best = { value: -1, shift: 0 };
  for (let shift = -maxShift; shift <= maxShift; shift += 1) {
    const value = correlate(a, b, shift);
    if (value > best.value) best = { value, shift };
  }
  return best;
}

function correlate(a: Float32Array, b: Float32Array, shift: number): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let index = 0; index < a.length; index += 4) {
    const x = a[index] ?? 0;
    const y = b[index + shift] ?? 0;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

/** Root mean square. */
export function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length));
}
