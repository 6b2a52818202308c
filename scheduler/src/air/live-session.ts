/** One microphone on air: frames come in as the browser sends them, packets go out stamped and signed. */
import type { KeyObject } from 'node:crypto';
import { MAX_FRAME_BYTES, type AudioPacket, type MediaTime } from '@loalang/shared';
import { FRAME_SAMPLES, opusPacketDurationUs, FRAME_US, type OpusEncoder } from '@loalang/shared/opus';
import { signAudioPacket } from '@loalang/shared/signing';
import { RateBound } from '../link/index.ts';
import type { Clock } from '../time/index.ts';
import { Packetizer } from './packetizer.ts';

export type EndReason = 'speaker' | 'stopped' | 'time-box';

export interface LiveSession {
  readonly broadcastId: string;
  readonly streamId: string;
  readonly latencyMs: number;
  readonly endsAt: MediaTime;
  readonly deviceCount: number;
  /** 20 ms Opus frames. */
  pushFrames(frames: readonly Uint8Array[]): void;
  /** 48 kHz mono, whole blocks of 960 samples. */
  pushPcm(samples: Int16Array): void;
  end(): Promise<void>;
  /** Called once; at once where it has ended already. */
  onEnded(listener: (reason: EndReason) => void): void;
}

export interface SessionParts {
  readonly broadcastId: string;
  readonly latencyMs: number;
  /** The time box. */
  readonly endsAt: MediaTime;
  /** From here on nothing of the stream sounds. */
  readonly expiresAt: MediaTime;
  readonly deviceCount: number;
  readonly privateKey: KeyObject;
  readonly clock: Clock;
  /** Where the browser sends samples; null where it sends Opus. */
  readonly encoder: OpusEncoder | null;
  send(packet: Uint8Array): boolean;
  /** Puts the end on record: the moment from which nothing is heard any more. */
  finish(reason: EndReason, heardUntil: MediaTime): Promise<void>;
}

/** What was not broadcast, and why. */
export interface SessionLosses {
  readonly malformed: number;
  readonly tooFast: number;
  readonly leftOut: number;
  readonly unsent: number;
}

/** Twice real time is more than any sound card is off; two seconds may come at once after the browser hung. */
const FRAMES_PER_SECOND = 100;
const BURST_FRAMES = 100;

export class Session implements LiveSession {
  readonly #parts: SessionParts;
  readonly #packetizer: Packetizer;
  readonly #bound = new RateBound({ burst: BURST_FRAMES, perSecond: FRAMES_PER_SECOND });
  readonly #listeners: ((reason: EndReason) => void)[] = [];
  #ended: EndReason | null = null;
  #finishing: Promise<void> | null = null;
  #malformed = 0;
  #tooFast = 0;
  #unsent = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#packetizer = new Packetizer(parts.latencyMs);
  }

  get broadcastId(): string {
    return this.#parts.broadcastId;
  }
  get streamId(): string {
    return this.#parts.broadcastId;
  }
  get latencyMs(): number {
    return this.#parts.latencyMs;
  }
  get endsAt(): MediaTime {
    return this.#parts.endsAt;
  }
  get deviceCount(): number {
    return this.#parts.deviceCount;
  }
  get losses(): SessionLosses {
    const leftOut = this.#packetizer.leftOut;
    return { malformed: this.#malformed, tooFast: this.#tooFast, leftOut, unsent: this.#unsent };
  }

  pushFrames(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      if (this.#mayPush()) this.#push(frame);
    }
  }

  pushPcm(samples: Int16Array): void {
    const { encoder } = this.#parts;
    for (let start = 0; start + FRAME_SAMPLES <= samples.length; start += FRAME_SAMPLES) {
      if (encoder !== null && this.#mayPush()) {
        this.#push(encoder.encode(samples.subarray(start, start + FRAME_SAMPLES)));
      }
    }
  }

  async end(): Promise<void> {
    await this.finish('speaker');
  }

  onEnded(listener: (reason: EndReason) => void): void {
    if (this.#ended === null) this.#listeners.push(listener);
    else listener(this.#ended);
  }

  /** Ends it, once; whoever comes later waits for the same end. */
  async finish(reason: EndReason): Promise<void> {
    this.#finishing ??= this.#finish(reason);
    await this.#finishing;
  }

  async #finish(reason: EndReason): Promise<void> {
    const { clock, encoder, expiresAt } = this.#parts;
    this.#ended = reason;
    const now = clock.now();
    // After a stop nothing more may sound, not even what was spoken before it.
    if (reason !== 'stopped') this.#packetizer.finish(now).forEach((packet) => this.#send(packet));
    encoder?.close();
    const lastAt = reason === 'stopped' ? now : (this.#packetizer.endsAt ?? now);
    const heardUntil = lastAt > expiresAt ? expiresAt : lastAt;
    try {
      await this.#parts.finish(reason, heardUntil);
    } finally {
      this.#listeners.splice(0).forEach((listener) => listener(reason));
    }
  }

  #mayPush(): boolean {
    if (this.#ended !== null) return false;
    const isAllowed = this.#bound.take(this.#parts.broadcastId, this.#parts.clock.now());
    if (!isAllowed) this.#tooFast += 1;
    return isAllowed;
  }

  #push(frame: Uint8Array): void {
    const isFrame = frame.byteLength <= MAX_FRAME_BYTES && opusPacketDurationUs(frame) === FRAME_US;
    if (!isFrame) {
      this.#malformed += 1;
      return;
    }
    this.#packetizer.push(frame, this.#parts.clock.now()).forEach((packet) => this.#send(packet));
  }

  #send(packet: AudioPacket): void {
    const { broadcastId, privateKey, expiresAt } = this.#parts;
    if (packet.mediaTime >= expiresAt) return;
    const bytes = signAudioPacket(packet, broadcastId, privateKey);
    if (!this.#parts.send(bytes)) this.#unsent += packet.frames.length;
  }
}
