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

/**
 * The same for each half second of the reference that is not silent: a receiver that works off its last error while it plays
 * moves by some parts in a million, which the whole would take for unlikeness.
 */
export function alignments(
  reference: Float32Array,
  recorded: Float32Array,
  { offset, maxLagMs }: { offset: number; maxLagMs: number },
): Alignment[] {
  const samples = SAMPLE_RATE / 2;
  const found: Alignment[] = [];
  for (let start = 0; start + samples <= reference.length; start += samples) {
    const window = reference.subarray(start, start + samples);
    if (peakOf(window) >= 0.02) found.push(align(window, recorded, { offset: offset + start, maxLagMs }));
  }
  return found;
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

/**
 * How like the source a recording is, window by window of 0.4 s, while the place in the source may shift a little from one
 * to the next (a browser's fake microphone loses 10 ms now and then) and the source repeats. Silent windows are left out.
 */
export function likeness(source: Float32Array, recorded: Float32Array): number[] {
  const windowSamples = 0.4 * SAMPLE_RATE;
  const twice = new Float32Array(2 * source.length);
  twice.set(source);
  twice.set(source, source.length);
  let place = placeOf(twice, source.length, recorded);
  const found: number[] = [];
  for (let start = 0; start + windowSamples <= recorded.length; start += windowSamples) {
    const window = recorded.subarray(start, start + windowSamples);
    const offset = (place + start) % source.length;
    const { lagMs, correlation } = align(window, twice, { offset, maxLagMs: 25 });
    if (peakOf(window) < 0.02) continue;
    found.push(correlation);
    if (correlation > 0.6) place += Math.round((lagMs * SAMPLE_RATE) / 1000) + source.length;
  }
  return found;
}

/** Where in a source the loudest two seconds of a recording come from, less where they stand in the recording. */
function placeOf(source: Float32Array, period: number, recorded: Float32Array): number {
  const span = 2 * SAMPLE_RATE;
  let start = 0;
  let loudest = -1;
  for (let at = 0; at + span <= recorded.length; at += SAMPLE_RATE / 2) {
    const energy = recorded.subarray(at, at + span).reduce((sum, sample) => sum + sample * sample, 0);
    if (energy > loudest) [start, loudest] = [at, energy];
  }
  const needle = decimate(recorded.subarray(start, start + span));
  const { lag } = bestLag(needle, decimate(source), { from: 0, to: Math.floor(period / DECIMATION) });
  return lag * DECIMATION - start + 64 * period;
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
