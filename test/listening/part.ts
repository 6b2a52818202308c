// What is heard of one voice over a stretch, and what the measures need of it.
import type { Measure } from './clicks.ts';
import type { Window } from './likeness.ts';

const SAMPLE_RATE = 48_000;
const WINDOW_S = 0.1;

/** A voice that is heard over a stretch; moments are true seconds. */
export interface Part {
  /** As it is when nothing else sounds and all of it came; its first sample is heard at `startS`. */
  readonly samples: Float32Array;
  readonly startS: number;
  readonly fromS: number;
  readonly toS: number;
}

/** How rough what should be heard is at each sample; a part may begin so much earlier and end so much later. */
export function roughnessOf(
  parts: readonly Part[],
  measure: Measure,
  length: number,
  slackS: number,
): Float32Array {
  const all = new Float32Array(length);
  for (const part of parts) {
    const from = Math.max(0, samplesOf(part.fromS - slackS - part.startS));
    const rough = measure(part.samples.subarray(from, samplesOf(part.toS + slackS - part.startS)));
    const at = samplesOf(part.startS) + from;
    for (let index = 0; index < rough.length; index += 1) {
      all[at + index] = Math.max(all[at + index] ?? 0, rough[index] ?? 0);
    }
  }
  return all;
}

/** The parts in windows of a tenth of a second, without those that touch one of the stretches. */
export function windowsOf(parts: readonly Part[], without: readonly (readonly [number, number])[]): Window[] {
  return parts.flatMap(({ samples, startS, fromS, toS }) => {
    const count = Math.floor((toS - fromS) / WINDOW_S + 1e-6);
    return Array.from({ length: count }, (_, index) => fromS + index * WINDOW_S)
      .filter((atS) => !without.some(([beginS, endS]) => atS < endS && atS + WINDOW_S > beginS))
      .map((atS) => {
        const first = samplesOf(atS - startS);
        return { at: samplesOf(atS), samples: samples.subarray(first, first + samplesOf(WINDOW_S)) };
      });
  });
}

const samplesOf = (seconds: number): number => Math.round(seconds * SAMPLE_RATE);
