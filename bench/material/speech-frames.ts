import { FRAME_SAMPLES, SAMPLE_RATE } from '@loalang/shared/opus';

/**
 * Something like speech, made here so that no file is needed: a voice of ten harmonics whose pitch glides, through a
 * formant that moves, in syllables with pauses, and a little breath. Seeded, the same at each run.
 */
export function speechFrames(count: number): Int16Array[] {
  let seed = 1;
  const noise = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 31 - 1;
  };
  let phase = 0;
  return Array.from({ length: count }, (_, frame) =>
    Int16Array.from({ length: FRAME_SAMPLES }, (_unused, i) => {
      const t = (frame * FRAME_SAMPLES + i) / SAMPLE_RATE;
      const pitchHz = 140 + 40 * Math.sin(2 * Math.PI * 0.7 * t);
      phase += pitchHz / SAMPLE_RATE;
      const formantHz = 900 + 600 * Math.sin(2 * Math.PI * 1.9 * t);
      const loudness = Math.max(0, Math.sin(2 * Math.PI * 3.1 * t));
      return 12_000 * (loudness * voice(phase, pitchHz, formantHz) + 0.02 * noise());
    }),
  );
}

function voice(phase: number, pitchHz: number, formantHz: number): number {
  let sum = 0;
  for (let harmonic = 1; harmonic <= 10; harmonic += 1) {
    const distance = (harmonic * pitchHz - formantHz) / 400;
    sum += Math.sin(2 * Math.PI * harmonic * phase) / (1 + distance * distance);
  }
  return sum / 3;
}
