import { Playout } from '@loalang/device-agent';
import { mediaTime, type AudioPacket, type LiveStream } from '@loalang/shared';
import { createOpusDecoder, type OpusDecoder } from '@loalang/shared/opus';
import type { HeardBlock } from './sound-card.ts';
import type { LinkStory } from './twin-link.ts';
import { EPOCH_US, TwinReceiver } from './twin-receiver.ts';

const FRAMES_A_PACKET = 3;
const FRAME_US = 20_000;
/** Header, lengths, signature, and what MQTT, TLS and TCP put around them. */
const AROUND_BYTES = 180;
/** A stream has one decoder; one more for a start that is given up. */
const DECODERS = 2;
/** Promises of the playout are settled between two stretches of so long: what a real agent does between two blocks. */
const STRETCH_US = 10_000;
const STREAM_ID = '0'.repeat(31) + '1';

export interface SoundTwinOptions {
  readonly seed: string;
  readonly durationUs: number;
  readonly link: LinkStory;
  /** Opus frames of 20 ms, of which the first is heard at this true moment. */
  readonly frames: readonly Uint8Array[];
  readonly startUs: number;
  readonly latencyMs: number;
  readonly onBlock: (block: HeardBlock) => void;
}

/**
 * One receiver of the sound twin: all that the timing twin has, and the agent's playout (jitter buffer, decoder, arbiter,
 * mixer, resampler), computing every sample of a live stream that comes over its link.
 */
export class SoundTwin {
  readonly #options: SoundTwinOptions;
  readonly #receiver: TwinReceiver;
  readonly #decoders: OpusDecoder[];
  readonly #faults: unknown[] = [];
  #playout: Playout | null = null;

  private constructor(options: SoundTwinOptions, decoders: OpusDecoder[]) {
    this.#options = options;
    this.#decoders = decoders;
    const { seed, durationUs, link, onBlock } = options;
    this.#receiver = new TwinReceiver({
      seed,
      durationUs,
      link,
      isSounding: true,
      sound: { makeRender: (clock) => this.#makeRender(clock), onBlock },
    });
  }

  static async open(options: SoundTwinOptions): Promise<SoundTwin> {
    const decoders = await Promise.all(Array.from({ length: DECODERS }, () => createOpusDecoder()));
    return new SoundTwin(options, decoders);
  }

  /** What broke and was got over; nothing should. */
  get faults(): readonly unknown[] {
    return this.#faults;
  }

  start(): void {
    this.#playout?.setNow({ streams: [this.#stream()], stopped: [], volume: 100, isMuted: false });
    this.#receiver.start();
    for (const packet of this.#packets()) this.#send(packet);
  }

  async runUntil(trueUs: number): Promise<void> {
    for (let atUs = this.#receiver.nowUs; atUs < trueUs; atUs += STRETCH_US) {
      this.#receiver.runUntil(Math.min(trueUs, atUs + STRETCH_US));
      for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    }
  }

  close(): void {
    this.#playout?.close();
    for (const decoder of this.#decoders.splice(0)) decoder.close();
  }

  #makeRender(timeline: TwinReceiver['clock']): Playout['render'] {
    const playout = new Playout({
      timeline,
      createDecoder: () => this.#takeDecoder(),
      onProof: () => undefined,
      onSounding: () => undefined,
      onFault: (error) => this.#faults.push(error),
    });
    this.#playout = playout;
    return (heardAtUs, out, pace) => playout.render(heardAtUs, out, pace);
  }

  #takeDecoder(): Promise<OpusDecoder> {
    const decoder = this.#decoders.pop();
    return decoder === undefined ? Promise.reject(new Error('no decoder left')) : Promise.resolve(decoder);
  }

  #stream(): LiveStream {
    const { startUs, durationUs, latencyMs } = this.#options;
    return {
      id: STREAM_ID,
      title: 'twin',
      priority: 'priority',
      startAt: mediaTime(EPOCH_US + startUs),
      latencyMs,
      expiresAt: mediaTime(EPOCH_US + durationUs),
      key: 'A'.repeat(43),
    };
  }

  #packets(): AudioPacket[] {
    const { frames, startUs } = this.#options;
    return Array.from({ length: Math.floor(frames.length / FRAMES_A_PACKET) }, (_, index) => {
      const first = index * FRAMES_A_PACKET;
      return {
        sequence: first,
        mediaTime: mediaTime(EPOCH_US + startUs + first * FRAME_US),
        isLast: false,
        frames: frames.slice(first, first + FRAMES_A_PACKET),
      };
    });
  }

  // The platform sends a packet once its last frame was spoken: the latency before its first is heard.
  #send(packet: AudioPacket): void {
    const sentUs = packet.mediaTime - EPOCH_US - this.#options.latencyMs * 1_000;
    const bytes = packet.frames.reduce((sum, frame) => sum + frame.byteLength, AROUND_BYTES);
    this.#receiver.deliver(bytes, sentUs, () =>
      this.#playout?.insert(STREAM_ID, packet, this.#receiver.boardUs),
    );
  }
}
