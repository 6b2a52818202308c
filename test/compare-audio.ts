import { spawnSync } from 'node:child_process';

export const SAMPLE_RATE = 48_000;
/** Coarse search runs at 8 kHz: fine enough for 0.1 ms, six times cheaper in each direction. */
const DECIMATION = 6;

export interface Alignment {
  /** How much later the recording has it, milliseconds; negative: earlier. */
  readonly lagMs: number;
  /** Normalised cross-correlation at that lag, -1 to 1. */
  readonly correlation: number;
}

/**
 * Finds where a recording holds a reference: the lag of the largest normalised cross-correlation within ± maxLagMs.
 * `recorded[offset]` is where the reference should begin.
 */
export function align(
  reference: Float32Array,
  recorded: Float32Array,
  { offset, maxLagMs }: { offset: number; maxLagMs: number },
): Alignment {
  const coarse = bestLag(decimate(reference), decimate(recorded), {
    from: Math.round(offset / DECIMATION) - Math.ceil((maxLagMs * SAMPLE_RATE) / 1000 / DECIMATION),
    to: Math.round(offset / DECIMATION) + Math.ceil((maxLagMs * SAMPLE_RATE) / 1000 / DECIMATION),
  });
  const centre = coarse.lag * DECIMATION;
  const fine = bestLag(reference, recorded, { from: centre - DECIMATION, to: centre + DECIMATION });
  return { lagMs: ((fine.lag - offset) * 1000) / SAMPLE_RATE, correlation: fine.correlation };
}

function bestLag(
  reference: Float32Array,
  recorded: Float32Array,
  { from, to }: { from: number; to: number },
): { lag: number; correlation: number } {
  let best = { lag: from, correlation: -1 };
  for (let lag = from; lag <= to; lag += 1) {
    const correlation = correlate(reference, recorded, lag);
    if (correlation > best.correlation) best = { lag, correlation };
  }
  return best;
}

function correlate(reference: Float32Array, recorded: Float32Array, lag: number): number {
  let product = 0;
  let referenceEnergy = 0;
  let recordedEnergy = 0;
  const begin = Math.max(0, -lag);
  const end = Math.min(reference.length, recorded.length - lag);
  for (let i = begin; i < end; i += 1) {
    const a = reference[i] ?? 0;
    const b = recorded[i + lag] ?? 0;
    product += a * b;
    referenceEnergy += a * a;
    recordedEnergy += b * b;
  }
  return product / Math.sqrt(referenceEnergy * recordedEnergy + 1e-12);
}

/** Means of six samples: a crude low-pass, good enough to find a place by. */
function decimate(samples: Float32Array): Float32Array {
  return Float32Array.from({ length: Math.floor(samples.length / DECIMATION) }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < DECIMATION; k += 1) sum += samples[i * DECIMATION + k] ?? 0;
    return sum / DECIMATION;
  });
}

/** The largest absolute sample. */
export function peakOf(samples: Float32Array): number {
  return samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
}

/** Any audio file as 48 kHz mono samples, by ffmpeg. */
export function decodeFile(path: string): Float32Array {
  const args = ['-v', 'error', '-i', path, '-ac', '1', '-ar', String(SAMPLE_RATE), '-f', 'f32le', '-'];
  const { stdout, status, stderr } = spawnSync('ffmpeg', args, { maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`ffmpeg could not decode ${path}: ${stderr.toString()}`);
  return new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.byteLength));
}
