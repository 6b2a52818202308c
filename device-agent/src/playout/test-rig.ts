// For tests only: real Opus in files and packets, and a Playout that is pulled block by block with the time in hand.
import { spawnSync } from 'node:child_process';
import { mediaTime } from '@loalang/shared';
import type { AudioPacket, LiveStream, MediaTime, Policy } from '@loalang/shared';
import { openOggOpus } from '@loalang/shared/ogg';
import type { OggOpusReader } from '@loalang/shared/ogg';
import { createOpusDecoder, createOpusEncoder } from '@loalang/shared/opus';
import type { OpusDecoder } from '@loalang/shared/opus';
import type { ProofDraft } from './account.ts';
import type { PlayableItem } from './broadcast.ts';
import type { NowState } from './line-up.ts';
import { Playout } from './playout.ts';
import type { Playing, PlayoutOptions } from './playout.ts';

export const BLOCK = 960;
/** 15 March 2026, 05:00:00 UTC: noon in Vietnam. */
export const NOON = mediaTime(1_773_550_800_000_000);
export const NO_QUIET: Policy = { utcOffsetMinutes: 420, quietHours: [] };
export const QUIET_NOW: NowState = { streams: [], stopped: [], volume: 100, isMuted: false };

export const afterNoon = (ms: number): MediaTime => mediaTime(NOON + Math.round(ms * 1000));
export const idOf = (number: number): string => number.toString(16).padStart(32, '0');

/** Noise between about 200 Hz and 2 kHz, like itself at one shift only. */
export function noise(seed: number, samples: number, amplitude = 0.5): Float32Array {
  let state = seed;
  let smooth = 0;
  let slow = 0;
  return Float32Array.from({ length: samples }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    smooth += 0.2 * ((2 * state) / 2 ** 32 - 1 - smooth);
    slow += 0.03 * (smooth - slow);
    return Math.max(-1, Math.min(1, 2 * amplitude * (smooth - slow)));
  });
}

export const sine = (hz: number, samples: number, amplitude = 0.5): Float32Array =>
  Float32Array.from(
    { length: samples },
    (_, index) => amplitude * Math.sin((2 * Math.PI * hz * index) / 48_000),
  );

const toPcm = (samples: Float32Array): Int16Array =>
  Int16Array.from(samples, (value) => Math.round(value * 32_767));

/** An Ogg Opus file as ffmpeg makes it. */
export function oggOf(samples: Float32Array): Uint8Array {
  const pcm = toPcm(samples);
  const input = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  const raw = ['-f', 's16le', '-ar', '48000', '-ac', '1', '-i', 'pipe:0'];
  const opus = ['-c:a', 'libopus', '-b:a', '96k', '-frame_duration', '20', '-f', 'ogg', 'pipe:1'];
  const done = spawnSync('ffmpeg', ['-v', 'error', ...raw, ...opus], { input, maxBuffer: 64 << 20 });
  if (done.status !== 0) throw new Error(done.stderr.toString());
  return Uint8Array.from(done.stdout);
}

export const openBytes = (bytes: Uint8Array): OggOpusReader =>
  openOggOpus({
    size: bytes.byteLength,
    readAt: (offset, length) => bytes.subarray(offset, offset + length),
  });

/** The samples as the frames of a live stream. */
export async function framesOfSamples(samples: Float32Array): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder({ bitrate: 96_000, application: 'audio' });
  const pcm = toPcm(samples);
  const frames = Array.from({ length: Math.floor(pcm.length / BLOCK) }, (_, index) =>
    encoder.encode(pcm.subarray(index * BLOCK, (index + 1) * BLOCK)),
  );
  encoder.close();
  return frames;
}

/** Packets of three frames from a media time on; the last one says so. */
export function packetsOf(frames: readonly Uint8Array[], startAt: MediaTime): AudioPacket[] {
  return Array.from({ length: Math.ceil(frames.length / 3) }, (_, index) => ({
    sequence: index * 3,
    mediaTime: mediaTime(startAt + index * 60_000),
    isLast: (index + 1) * 3 >= frames.length,
    frames: frames.slice(index * 3, index * 3 + 3),
  }));
}

export const itemOf = (
  id: number,
  startMs: number,
  durationMs: number,
  ogg: Uint8Array | null,
): PlayableItem => ({
  broadcastId: idOf(id),
  title: 'Bản tin',
  priority: 'normal',
  startAt: afterNoon(startMs),
  durationMs,
  asset: { sha256: '0'.repeat(64), bytes: 1 },
  openAudio: () => (ogg === null ? null : openBytes(ogg)),
});

export const streamOf = (id: number, startMs: number, expiresMs: number): LiveStream => ({
  id: idOf(id),
  title: 'Nói trực tiếp',
  priority: 'priority',
  startAt: afterNoon(startMs),
  latencyMs: 500,
  expiresAt: afterNoon(expiresMs),
  key: 'A'.repeat(43),
});

/** A receiver whose monotonic clock is milliseconds after noon, unless its timeline is bent. */
export class Rig {
  readonly proofs: ProofDraft[] = [];
  readonly soundings: (Playing | null)[] = [];
  readonly faults: unknown[] = [];
  readonly playout: Playout;
  mediaAtUs: (monotonicUs: number) => number | null = (us) => NOON + us;
  #decoders: OpusDecoder[];
  #nowMs = 0;

  private constructor(decoders: OpusDecoder[], options: Partial<PlayoutOptions>) {
    this.#decoders = decoders;
    this.playout = new Playout({
      createDecoder: () => this.#takeDecoder(),
      timeline: { toMediaTime: (us) => this.#toMediaTime(us) },
      onProof: (draft) => this.proofs.push(draft),
      onSounding: (now) => this.soundings.push(now),
      onFault: (error) => this.faults.push(error),
      ...options,
    });
  }

  static async create(options: Partial<PlayoutOptions> = {}): Promise<Rig> {
    return new Rig(await Promise.all(Array.from({ length: 12 }, () => createOpusDecoder())), options);
  }

  plan(...items: PlayableItem[]): void {
    this.playout.setPlan(items, NO_QUIET);
  }

  now(change: Partial<NowState>): void {
    this.playout.setNow({ ...QUIET_NOW, ...change });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets time pass without being pulled. */
  jumpTo(ms: number): void {
    this.#nowMs = ms;
  }

  /** Pulls blocks until a moment in milliseconds; `each` is called before every block. */
  async runTo(ms: number, each?: (nowMs: number) => void): Promise<Float32Array> {
    const out = new Float32Array(Math.round((ms - this.#nowMs) / 20) * BLOCK);
    for (let done = 0; done < out.length; done += BLOCK) {
      each?.(this.#nowMs);
      this.playout.render(this.#nowMs * 1000, out.subarray(done, done + BLOCK));
      this.#nowMs += 20;
      for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    }
    return out;
  }

  proofOf(id: number): ProofDraft | undefined {
    return this.proofs.find(({ broadcastId }) => broadcastId === idOf(id));
  }

  #toMediaTime(us: number): MediaTime | null {
    const mediaUs = this.mediaAtUs(us);
    return mediaUs === null ? null : mediaTime(Math.round(mediaUs));
  }

  #takeDecoder(): Promise<OpusDecoder> {
    const decoder = this.#decoders.pop();
    return decoder === undefined ? Promise.reject(new Error('no decoder left')) : Promise.resolve(decoder);
  }
}

/** How alike `heard` from `at` on is to `sent` from `from` on, over `count` samples. */
export function likeness(
  heard: Float32Array,
  at: number,
  sent: Float32Array,
  from: number,
  count: number,
): number {
  let cross = 0;
  let heardPower = 0;
  let sentPower = 0;
  for (let index = 0; index < count; index += 1) {
    const a = heard[at + index] ?? 0;
    const b = sent[from + index] ?? 0;
    cross += a * b;
    heardPower += a * a;
    sentPower += b * b;
  }
  return heardPower === 0 || sentPower === 0 ? 0 : cross / Math.sqrt(heardPower * sentPower);
}

/** By how many samples `heard` is late (within 200), and how alike it is there. */
export function bestShift(
  heard: Float32Array,
  at: number,
  sent: Float32Array,
  from: number,
  count: number,
): { shift: number; likeness: number } {
  let best = { shift: 0, likeness: -1 };
  for (let shift = -200; shift <= 200; shift += 1) {
    const found = likeness(heard, at + shift, sent, from, count);
    if (found > best.likeness) best = { shift, likeness: found };
  }
  return best;
}

export function largestStep(samples: Float32Array): number {
  let largest = 0;
  for (let index = 1; index < samples.length; index += 1) {
    largest = Math.max(largest, Math.abs((samples[index] ?? 0) - (samples[index - 1] ?? 0)));
  }
  return largest;
}

/** Whole dBFS of what was heard, as if it had sounded for `samples`. */
export const levelOf = (heard: Float32Array, samples: number): number =>
  Math.round(10 * Math.log10(heard.reduce((sum, value) => sum + value * value, 0) / samples));

export const peak = (samples: Float32Array): number =>
  samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
