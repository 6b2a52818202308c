// Finds clicks in a recording by how rough it is at a place, against how rough what should be heard there is.
//
// Two measures. The step from sample to sample is what a cut makes. A high pass above 14 kHz hears more: speech has next to
// nothing there, while an edge of any size has something at all frequencies, so that it stands out even in a loud vowel.

const SAMPLE_RATE = 48_000;
const CUT_HZ = 14_000;
const TAPS = 63;
/** 5 ms: one click is one place. */
const PLACE_SAMPLES = 240;
/** 25 ms to each side: a receiver that is some milliseconds off, or a codec that smears, moves roughness so far at most. */
const AROUND_PLACES = 5;

/** How rough a sound is at each sample; from 0. */
export type Measure = (samples: Float32Array) => Float32Array;

export const steps: Measure = (samples) =>
  samples.map((sample, index) => Math.abs(sample - (samples[index - 1] ?? 0)));

const highPass = highPassTaps();
/** By a windowed sinc (Blackman); what comes out lies where it went in. */
export const edges: Measure = (samples) => {
  const padded = new Float32Array(samples.length + TAPS - 1);
  padded.set(samples, (TAPS - 1) / 2);
  return samples.map((_, index) => {
    let sum = 0;
    for (let tap = 0; tap < TAPS; tap += 1) sum += (highPass[tap] ?? 0) * (padded[index + tap] ?? 0);
    return Math.abs(sum);
  });
};

function highPassTaps(): Float64Array {
  const cut = CUT_HZ / SAMPLE_RATE;
  return Float64Array.from({ length: TAPS }, (_, tap) => {
    const x = tap - (TAPS - 1) / 2;
    const lowPass = x === 0 ? 2 * cut : Math.sin(2 * Math.PI * cut * x) / (Math.PI * x);
    const angle = (2 * Math.PI * tap) / (TAPS - 1);
    const window = 0.42 - 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle);
    return ((x === 0 ? 1 : 0) - lowPass) * window;
  });
}

export interface Bound {
  /** So many times what should be heard nearby may be as rough as this. */
  readonly ratio: number;
  /** What is less rough than this is no click, whatever should be heard. */
  readonly floor: number;
}

export interface Click {
  readonly atS: number;
  readonly roughness: number;
  readonly allowed: number;
}

/** The places of a recording that are rougher than `source` (the roughness of what should be heard) lets them be. */
export function findClicks(heard: Float32Array, source: Float32Array, { ratio, floor }: Bound): Click[] {
  const ofHeard = peaks(heard);
  const ofSource = peaks(source);
  return [...ofHeard].flatMap((roughness, place) => {
    const around = ofSource.subarray(Math.max(0, place - AROUND_PLACES), place + AROUND_PLACES + 1);
    const allowed = Math.max(floor, ratio * Math.max(0, ...around));
    return roughness > allowed ? [{ atS: (place * PLACE_SAMPLES) / SAMPLE_RATE, roughness, allowed }] : [];
  });
}

function peaks(roughness: Float32Array): Float32Array {
  return Float32Array.from({ length: Math.ceil(roughness.length / PLACE_SAMPLES) }, (_, place) => {
    const within = roughness.subarray(place * PLACE_SAMPLES, (place + 1) * PLACE_SAMPLES);
    return within.reduce((most, value) => Math.max(most, value), 0);
  });
}
