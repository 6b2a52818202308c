/** Decoded audio of one broadcast on its own line of samples at 48 kHz; sample 0 is heard at the broadcast's start. */
export interface Source {
  /** Places the source: the next samples begin there. It may lie before the start (silence) or behind the end. */
  seek(sample: number): void;
  /** The next 1 to 960 samples. Never ends: behind the end it gives silence. Throws where it is damaged. */
  next(): Float32Array;
  /** Gives its decoder back. May be called twice. */
  close(): void;
}

export const SAMPLES_PER_US = 0.048;

/** Lets samples grow from silence over their first `length`. */
export function fadeIn(samples: Float32Array, length: number): void {
  const end = Math.min(length, samples.length);
  for (let index = 0; index < end; index += 1)
    samples[index] = ((samples[index] ?? 0) * (index + 1)) / length;
}

/** Lets samples fall to silence over their first `length`; what follows is silent. */
export function fadeOut(samples: Float32Array, length: number): void {
  const end = Math.min(length, samples.length);
  for (let index = 0; index < end; index += 1)
    samples[index] = (samples[index] ?? 0) * (1 - (index + 1) / length);
  samples.fill(0, end);
}

/** A sample in [-1, 1] as 16 bits. */
export function toInt16(sample: number): number {
  return Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);
}

/** A 16-bit sample in [-1, 1]. */
export function fromInt16(sample: number): number {
  return sample / 32_767;
}
