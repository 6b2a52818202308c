/** What the library takes in, and how long it works on it. Tests inject smaller ones. */
export interface IngestLimits {
  readonly maxBytes: number;
  readonly minDurationMs: number;
  readonly maxDurationMs: number;
  /** Conversions at once: each takes a core. */
  readonly maxRunning: number;
  /** Uploads at once, those that are converted or wait for it included; the next one is refused with AUDIO_BUSY. */
  readonly maxUploads: number;
  /** One run of ffmpeg may take this long, and … */
  readonly runBaseMs: number;
  /** … this share of the audio's own length on top. Measured: 2 to 3 % on one core of a laptop. */
  readonly runShare: number;
}

export const defaultLimits: IngestLimits = {
  maxBytes: 300 * 1024 * 1024,
  minDurationMs: 200,
  maxDurationMs: 4 * 3_600_000,
  maxRunning: 2,
  maxUploads: 10,
  runBaseMs: 60_000,
  runShare: 0.25,
};
