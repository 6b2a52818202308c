import { addUs, mediaTime } from '@loalang/shared';
import type { AudioPacket, LiveStream, MediaTime, MissedReason } from '@loalang/shared';
import { FRAME_US } from '@loalang/shared/opus';
import type { OpusDecoder } from '@loalang/shared/opus';
import { Account } from './account.ts';
import { Arming } from './arming.ts';
import type { Armed } from './arming.ts';
import type { Broadcast, BroadcastParts } from './broadcast.ts';
import { JitterBuffer } from './jitter-buffer.ts';
import type { Source } from './source.ts';
import { SAMPLES_PER_US } from './source.ts';
import { StreamSource } from './stream-source.ts';

/** A live stream that is, or a moment ago was, on air. */
export class StreamBroadcast implements Broadcast {
  readonly kind = 'stream';
  readonly id: string;
  readonly priority: LiveStream['priority'];
  readonly startAt: MediaTime;
  readonly account: Account;
  readonly knownAt: MediaTime | null;
  readonly buffer: JitterBuffer;
  readonly #arming: Arming<StreamSource>;
  #stream: LiveStream;
  #first: { sequence: number; startUs: number } | null = null;
  readonly #restoredFrames: number;
  #isDraining = false;

  constructor(stream: LiveStream, { createDecoder, progress, knownAt }: BroadcastParts) {
    this.#stream = stream;
    this.id = stream.id;
    this.priority = stream.priority;
    this.startAt = stream.startAt;
    this.account = new Account(stream.id, 'stream', progress);
    this.#restoredFrames = this.account.counted;
    this.knownAt = knownAt;
    this.buffer = new JitterBuffer(stream.startAt, stream.expiresAt);
    this.#arming = new Arming(createDecoder, () => (decoder) => this.#open(decoder), 'no-packets');
  }

  get soundsAt(): MediaTime {
    return addUs(this.startAt, this.#stream.latencyMs * 1000);
  }

  get armed(): Armed<Source> | null {
    return this.#arming.armed;
  }

  /** Its time box, or earlier where the sender ended it or it was taken off the air and only its rest is played. */
  get endAt(): MediaTime {
    return mediaTime(this.#endUs);
  }

  get #endUs(): number {
    const saidUs = this.buffer.endUs ?? Infinity;
    const drainedUs = this.#isDraining ? (this.buffer.tailUs ?? this.startAt) : Infinity;
    return Math.min(this.#stream.expiresAt, saidUs, drainedUs);
  }

  /** Off the air: what has arrived is still played. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Announced again, maybe with another time box. */
  adopt(stream: LiveStream): void {
    this.#stream = stream;
    this.#isDraining = false;
    this.buffer.setExpiry(stream.expiresAt);
  }

  insert(packet: AudioPacket, at: MediaTime): void {
    if (this.buffer.insert(packet, at) === 0) return;
    if (this.#first === null || packet.mediaTime < this.#first.startUs) {
      this.#first = { sequence: packet.sequence, startUs: packet.mediaTime };
    }
  }

  obstacle(at: MediaTime): MissedReason | null {
    return this.armed === null || !this.buffer.isFlowing(at) ? 'no-packets' : null;
  }

  readyAtUs(at: MediaTime): number {
    return this.buffer.isFlowing(at) ? Infinity : (this.buffer.headUs ?? Infinity);
  }

  arm(at: MediaTime): void {
    this.#arming.arm(at);
  }

  disarm(): void {
    this.#arming.disarm();
  }

  fail(at: MediaTime): void {
    this.#arming.fail(at);
  }

  // The source counts the frames that it decodes.
  countPlayed(): void {}

  countMissed(reason: MissedReason, at: MediaTime, samples: number): void {
    const untilUs = at + samples / SAMPLES_PER_US;
    const armed = this.#arming.armed;
    const frames = armed === null ? this.buffer.discardBefore(untilUs) : armed.source.passOver(untilUs);
    if (frames > 0) this.account.missed(reason, frames);
    armed?.resampler.reset();
  }

  settle(at: MediaTime, missedBefore: MissedReason): null {
    const untilUs = Math.min(at, this.endAt);
    if (this.#first === null) {
      const frames = Math.round((untilUs - this.startAt - this.#stream.latencyMs * 1000) / FRAME_US);
      this.account.missed('no-packets', Math.max(0, frames - this.account.counted));
    } else if (this.#first.sequence > 0) {
      const fitting = Math.max(0, Math.round((this.#first.startUs - this.startAt) / FRAME_US));
      const before = Math.min(this.#first.sequence, fitting) - this.#restoredFrames;
      this.account.missed(missedBefore, Math.max(0, before));
    }
    const unheard = this.buffer.discardBefore(Infinity);
    if (unheard > 0) this.account.missed('stopped', unheard);
    return null;
  }

  #open(decoder: OpusDecoder): StreamSource {
    const tally = {
      played: (frames: number) => this.account.played(frames),
      concealed: (frames: number) => this.account.concealed(frames),
      missed: (frames: number) => this.account.missed('no-packets', frames),
    };
    return new StreamSource({
      buffer: this.buffer,
      decoder,
      startAt: this.startAt,
      endUs: () => this.#endUs,
      tally,
    });
  }
}
