const SAMPLE_RATE = 48_000;
const PEAK = 9_000;

/**
 * Noise as loud at each moment as speech is on average and as dull (6 dB less for each octave above 1.2 kHz): Opus keeps
 * it, no part of it is like another, so a correlation has one peak only. Seeded, the same at each run; 16 bit.
 */
export function hiss(seconds: number): Int16Array {
  let seed = 1;
  let low = 0;
  return Int16Array.from({ length: seconds * SAMPLE_RATE }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    low += 0.15 * (seed / 2 ** 31 - 1 - low);
    return Math.max(-32_767, Math.min(32_767, PEAK * 3 * low));
  });
}
