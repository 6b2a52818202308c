// What a sound card's stream looks like to us: the part of libasound that the sink lives on, small enough to be faked.

export const SAMPLE_RATE = 48_000;
export const FRAMES_PER_US = SAMPLE_RATE / 1e6;

export type PcmState = 'idle' | 'prepared' | 'running' | 'underrun' | 'suspended' | 'gone';

export interface PcmStatus {
  readonly state: PcmState;
  /** How many frames can be written without waiting. */
  readonly availableFrames: number;
  /** How many frames lie between the last one written and the one that is heard at `atUs`. */
  readonly delayFrames: number;
  /** CLOCK_MONOTONIC. */
  readonly atUs: number;
}

/** An open card that takes mono 16-bit samples at 48 kHz and never makes the caller wait. Its calls throw `PcmError`. */
export interface Pcm {
  readonly bufferFrames: number;
  status(): PcmStatus;
  /** Puts frames behind those written before; returns how many found room. */
  write(samples: Int16Array): number;
  /** Drops what is in the buffer and makes it ready for `start`. */
  prepare(): void;
  start(): void;
  /** After a suspend of the board: false while the driver is not back yet. Throws where it can't resume: prepare then. */
  resume(): boolean;
  /** Drops what is in the buffer and gives the card back. */
  close(): Promise<void>;
}

/**
 * Opens a card by its ALSA name, with a buffer as near to the wanted length as it can have. Rejects with `PcmError`, also
 * where libasound is missing.
 */
export type OpenPcm = (device: string, bufferFrames: number) => Promise<Pcm>;

/** A call of the sound library that failed. `code` is the name of the errno, or LIBRARY_MISSING. */
export class PcmError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PcmError';
    this.code = code;
  }
}

/** Writes samples in [-1, 1] as 16 bits, from the beginning of `out`. */
export function toInt16(samples: Float32Array, out: Int16Array): void {
  for (let index = 0; index < samples.length; index += 1) {
    const sample = Math.max(-1, Math.min(1, samples[index] ?? 0));
    out[index] = Math.round(sample * 32_767);
  }
}
