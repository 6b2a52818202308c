// The receiver of the listening test: clock, jitter buffer, decoder, arbiter, mixer, resampler and limiter of the agent on
// a board, a card and a link whose truth is known, and all that its card has played.
import { Playout, type NowState } from '@loalang/device-agent';
import { EPOCH_US, TwinReceiver, type HeardBlock, type LinkStory } from '@loalang/firmware-sim';
import { mediaTime, type AudioPacket, type LiveStream } from '@loalang/shared';
import { createOpusDecoder, type OpusDecoder } from '@loalang/shared/opus';

const DECODERS = 8;
/** Promises are settled between two stretches of so long, as between two blocks of a real agent. */
const STRETCH_US = 10_000;
const SAMPLES_PER_US = 0.048;
const FRAME_US = 20_000;
const FRAMES_A_PACKET = 3;
const MESSAGE_BYTES = 900;
const PACKET_BYTES = 500;

export const idOf = (number: number): string => String(number).padStart(32, '0');
export const mediaAt = (trueS: number): ReturnType<typeof mediaTime> =>
  mediaTime(EPOCH_US + Math.round(trueS * 1e6));

export interface ReceiverOptions {
  readonly seconds: number;
  readonly boardPpm: number;
  readonly cardPpm: number;
  readonly link: LinkStory;
}

export class ListenedReceiver {
  readonly playout: Playout;
  readonly faults: unknown[] = [];
  readonly #twin: TwinReceiver;
  readonly #decoders: OpusDecoder[];
  readonly #seconds: number;
  /** As the card played it, at its own pace. */
  readonly #played: Float32Array;
  readonly #blocks: { readonly at: number; readonly fromUs: number; readonly usPerSample: number }[] = [];
  #length = 0;

  private constructor({ seconds, boardPpm, cardPpm, link }: ReceiverOptions, decoders: OpusDecoder[]) {
    this.#seconds = seconds;
    this.#decoders = decoders;
    this.#played = new Float32Array((seconds + 1) * 48_000);
    const crystal = (ppm: number) => ({ factoryPpm: { exactly: ppm }, dailyPpm: 3, walkPpm: 0.003 });
    let playout: Playout | null = null;
    this.#twin = new TwinReceiver({
      seed: `listening ${boardPpm} ${cardPpm}`,
      durationUs: (seconds + 1) * 1e6,
      link,
      crystal: crystal(boardPpm),
      cardCrystal: crystal(cardPpm),
      isSounding: true,
      sound: {
        makeRender: (timeline) => {
          playout = this.#makePlayout(timeline);
          return (heardAtUs, out, pace) => playout?.render(heardAtUs, out, pace);
        },
        onBlock: (block) => this.#keep(block),
      },
    });
    if (playout === null) throw new Error('the twin made no renderer');
    this.playout = playout;
  }

  static async open(options: ReceiverOptions): Promise<ListenedReceiver> {
    const decoders = await Promise.all(Array.from({ length: DECODERS }, () => createOpusDecoder()));
    return new ListenedReceiver(options, decoders);
  }

  /** Lets all happen that was asked for. */
  async run(): Promise<void> {
    this.#twin.start();
    for (let atUs = 0; atUs < this.#seconds * 1e6; atUs += STRETCH_US) {
      this.#twin.runUntil(atUs);
      for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    }
  }

  /** What the platform says at a true moment; it comes over the link. */
  tell(atS: number, say: (playout: Playout) => void): void {
    this.#twin.deliver(MESSAGE_BYTES, atS * 1e6, () => say(this.playout));
  }

  tellNow(atS: number, now: Partial<NowState>): void {
    this.tell(atS, (playout) =>
      playout.setNow({ streams: [], stopped: [], volume: 100, isMuted: false, ...now }),
    );
  }

  /** Sends a packet when it was spoken, at the stream's latency before it is heard, or later where it is sent again. */
  send(stream: LiveStream, packet: AudioPacket, notBeforeS = 0): void {
    const spokenUs = packet.mediaTime - EPOCH_US - stream.latencyMs * 1000;
    this.#twin.deliver(PACKET_BYTES, Math.max(spokenUs, notBeforeS * 1e6), () =>
      this.playout.insert(stream.id, packet, this.#twin.boardUs),
    );
  }

  /** What the card played, sample by sample: its sample n was heard near, not at, n / 48,000 s. */
  get played(): Float32Array {
    return this.#played.subarray(0, this.#length);
  }

  /** What was heard at each forty-eight thousandth of a true second, between the card's samples by a cubic (Catmull-Rom). */
  get heard(): Float32Array {
    const heard = new Float32Array(this.#seconds * 48_000);
    for (const { at, fromUs, usPerSample } of this.#blocks) {
      const first = Math.ceil(fromUs * SAMPLES_PER_US);
      const end = Math.min(heard.length, Math.ceil((fromUs + 960 * usPerSample) * SAMPLES_PER_US));
      for (let index = first; index < end; index += 1) {
        heard[index] = cubic(this.#played, at + (index / SAMPLES_PER_US - fromUs) / usPerSample);
      }
    }
    return heard;
  }

  close(): void {
    this.playout.close();
    for (const decoder of this.#decoders.splice(0)) decoder.close();
  }

  #makePlayout(timeline: TwinReceiver['clock']): Playout {
    return new Playout({
      timeline,
      createDecoder: () => {
        const decoder = this.#decoders.pop();
        return decoder === undefined
          ? Promise.reject(new Error('no decoder left'))
          : Promise.resolve(decoder);
      },
      onProof: () => undefined,
      onSounding: () => undefined,
      onFault: (error) => this.faults.push(error),
    });
  }

  #keep({ fromUs, usPerSample, samples }: HeardBlock): void {
    // Until its first block the card played the silence that it was filled with.
    if (this.#blocks.length === 0) this.#length = Math.round(fromUs * SAMPLES_PER_US);
    this.#blocks.push({ at: this.#length, fromUs, usPerSample });
    this.#played.set(samples, this.#length);
    this.#length += samples.length;
  }
}

/** The frames of a stream as packets of three, the first of which is heard at a true moment; the last one says so. */
export function packetsOf(frames: readonly Uint8Array[], heardS: number): AudioPacket[] {
  return Array.from({ length: Math.ceil(frames.length / FRAMES_A_PACKET) }, (_, index) => ({
    sequence: index * FRAMES_A_PACKET,
    mediaTime: mediaTime(mediaAt(heardS) + index * FRAMES_A_PACKET * FRAME_US),
    isLast: (index + 1) * FRAMES_A_PACKET >= frames.length,
    frames: frames.slice(index * FRAMES_A_PACKET, (index + 1) * FRAMES_A_PACKET),
  }));
}

function cubic(samples: Float32Array, position: number): number {
  const at = Math.floor(position);
  const x = position - at;
  const [a, b, c, d] = [-1, 0, 1, 2].map((shift) => samples[at + shift] ?? 0);
  if (a === undefined || b === undefined || c === undefined || d === undefined) return 0;
  return b + 0.5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)));
}
