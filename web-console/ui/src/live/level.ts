// How loud the speaker is, in words. The limits are for speech on a horn: below -34 dBFS it drowns in the wind, from
// -1 dBFS on it is cut off.
export type LevelWord = 'silent' | 'low' | 'good' | 'loud';

const SILENT_BELOW_DBFS = -50;
const LOW_BELOW_DBFS = -34;
const LOUD_FROM_DBFS = -9;
const CLIPPING_PEAK = 0.98;
/** The bottom of the meter. */
const METER_FLOOR_DBFS = -60;
/** After so long without a voice, the speaker is told. */
const SILENCE_WARNING_MS = 10_000;
/** A word is read between syllables, so the level falls slowly. */
const FALL_DB_PER_S = 24;

/** Root mean square of a block in dBFS, -120 at least. */
export function rmsDbfs(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? -120 : Math.max(-120, 10 * Math.log10(sum / samples.length + 1e-12));
}

/** The word for a level. */
export function levelWord(dbfs: number, isClipping: boolean): LevelWord {
  if (isClipping || dbfs >= LOUD_FROM_DBFS) return 'loud';
  if (dbfs < SILENT_BELOW_DBFS) return 'silent';
  return dbfs < LOW_BELOW_DBFS ? 'low' : 'good';
}

/** How many of the meter's bars are lit. */
export function litBars(dbfs: number, bars: number): number {
  const share = (dbfs - METER_FLOOR_DBFS) / -METER_FLOOR_DBFS;
  return Math.round(bars * Math.min(1, Math.max(0, share)));
}

/** Follows the level of a microphone: up at once, down slowly, and how long nothing was heard. */
export class LevelFollower {
  dbfs = -120;
  word: LevelWord = 'silent';
  isTooLongSilent = false;
  #silentMs = 0;

  /** Takes one block of samples. */
  take(samples: Float32Array, sampleRate: number): void {
    const durationMs = (samples.length / sampleRate) * 1000;
    const heard = rmsDbfs(samples);
    this.dbfs = Math.max(heard, this.dbfs - (FALL_DB_PER_S * durationMs) / 1000);
    this.word = levelWord(
      this.dbfs,
      samples.some((sample) => Math.abs(sample) >= CLIPPING_PEAK),
    );
    this.#silentMs = heard < SILENT_BELOW_DBFS ? this.#silentMs + durationMs : 0;
    this.isTooLongSilent = this.#silentMs >= SILENCE_WARNING_MS;
  }
}
