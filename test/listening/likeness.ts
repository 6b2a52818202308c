// How alike a recording is to what should be heard, window by window: how late, how loud, and what is left over.

const SAMPLE_RATE = 48_000;
/** 3 ms to each side are searched. */
const MOST_LAG = 144;

/** What should be heard at this place of the recording. */
export interface Window {
  readonly at: number;
  readonly samples: Float32Array;
}

export interface Likeness {
  readonly atS: number;
  /** How much later than it should be it is heard. */
  readonly lagMs: number;
  /** Root mean square of what should be heard. */
  readonly level: number;
  /** How loud against what should be heard, as an amplitude. */
  readonly gain: number;
  /** What of it is not what should be heard, against all of it: 0 (the same) to 1 (something else). */
  readonly residual: number;
}

export function compare(heard: Float32Array, { at, samples }: Window): Likeness {
  let best = { lag: 0, correlation: -Infinity };
  for (let lag = -MOST_LAG; lag <= MOST_LAG; lag += 1) {
    const correlation = correlate(heard, at + lag, samples);
    if (correlation > best.correlation) best = { lag, correlation };
  }
  const { lag } = best;
  const [heardEnergy, dueEnergy] = [
    energy(heard.subarray(at + lag, at + lag + samples.length)),
    energy(samples),
  ];
  const correlation = best.correlation / Math.sqrt(dueEnergy);
  return {
    atS: at / SAMPLE_RATE,
    lagMs: ((lag + betweenSamples(heard, at + lag, samples)) / SAMPLE_RATE) * 1000,
    level: Math.sqrt(dueEnergy / samples.length),
    gain: correlation * Math.sqrt(heardEnergy / dueEnergy),
    residual: Math.sqrt(Math.max(0, 1 - correlation ** 2)),
  };
}

// The peak lies between samples: where a parabola through its neighbours has its top.
function betweenSamples(heard: Float32Array, at: number, samples: Float32Array): number {
  const [before, here, after] = [-1, 0, 1].map((shift) => correlate(heard, at + shift, samples));
  if (before === undefined || here === undefined || after === undefined) return 0;
  const bend = before - 2 * here + after;
  return bend < 0 ? (before - after) / (2 * bend) : 0;
}

/** The part of the recording that is alike, as large as `samples` are at the most. */
function correlate(heard: Float32Array, at: number, samples: Float32Array): number {
  let cross = 0;
  let power = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const sample = heard[at + index] ?? 0;
    cross += sample * (samples[index] ?? 0);
    power += sample * sample;
  }
  return power === 0 ? 0 : cross / Math.sqrt(power);
}

function energy(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum;
}
