// Turns blocks of 20 ms into messages for the server: Opus where the browser has it (36 kb/s), else plain samples
// (768 kb/s), which the server encodes.
import { packFrames } from '@loalang/shared';
import { FrameGroups } from './group-frames.ts';
import { SAMPLE_RATE } from './microphone.ts';
import { toPcm16 } from './pcm.ts';

const FRAME_US = 20_000;
/** Frames a message: fewer cost more overhead, more cost delay. */
const FRAMES_A_MESSAGE = 3;
/** An encoder that is a second behind does not catch up. */
const MOST_WAITING_FRAMES = 50;

const opusConfig: AudioEncoderConfig = {
  codec: 'opus',
  sampleRate: SAMPLE_RATE,
  numberOfChannels: 1,
  bitrate: 24_000,
  bitrateMode: 'variable',
  // No DTX: Chromium drops silent frames then and numbers the others by output, so that time shrinks.
  opus: {
    format: 'opus',
    frameDuration: FRAME_US,
    application: 'voip',
    signal: 'voice',
    complexity: 5,
    usedtx: false,
  } as OpusEncoderConfig,
};

export interface LiveEncoder {
  readonly codec: 'opus' | 'pcm';
  /** False: it can not keep up, or has failed. */
  encode(block: Float32Array): boolean;
  /** Sends what is still inside. */
  finish(): Promise<void>;
  close(): void;
}

type SendBytes = (bytes: Uint8Array<ArrayBuffer>) => void;

/** The best encoder that this browser has. */
export async function createEncoder(send: SendBytes): Promise<LiveEncoder> {
  return (await hasOpus()) ? new OpusLiveEncoder(send) : new PcmLiveEncoder(send);
}

async function hasOpus(): Promise<boolean> {
  if (typeof AudioEncoder === 'undefined') return false;
  try {
    return (await AudioEncoder.isConfigSupported(opusConfig)).supported === true;
  } catch {
    return false;
  }
}

class OpusLiveEncoder implements LiveEncoder {
  readonly codec = 'opus';
  readonly #encoder: AudioEncoder;
  readonly #groups: FrameGroups;
  #frames = 0;
  #hasFailed = false;

  constructor(send: SendBytes) {
    this.#groups = new FrameGroups(FRAMES_A_MESSAGE, (group) => send(new Uint8Array(packFrames(group))));
    this.#encoder = new AudioEncoder({
      output: (chunk) => {
        const frame = new Uint8Array(chunk.byteLength);
        chunk.copyTo(frame);
        this.#groups.add(frame);
      },
      error: () => (this.#hasFailed = true),
    });
    this.#encoder.configure(opusConfig);
  }

  encode(block: Float32Array): boolean {
    if (this.#hasFailed || this.#encoder.encodeQueueSize > MOST_WAITING_FRAMES) return false;
    const data = new AudioData({
      format: 'f32',
      sampleRate: SAMPLE_RATE,
      numberOfFrames: block.length,
      numberOfChannels: 1,
      timestamp: this.#frames * FRAME_US,
      data: new Float32Array(block),
    });
    this.#encoder.encode(data);
    data.close();
    this.#frames += 1;
    return true;
  }

  async finish(): Promise<void> {
    if (this.#hasFailed || this.#encoder.state !== 'configured') return;
    try {
      await this.#encoder.flush();
    } catch {
      // It failed with frames inside: what came out before is all there is.
      this.#hasFailed = true;
    }
    this.#groups.flush();
  }

  close(): void {
    if (this.#encoder.state !== 'closed') this.#encoder.close();
  }
}

class PcmLiveEncoder implements LiveEncoder {
  readonly codec = 'pcm';
  readonly #send: SendBytes;

  constructor(send: SendBytes) {
    this.#send = send;
  }

  encode(block: Float32Array): boolean {
    this.#send(new Uint8Array(toPcm16(block)));
    return true;
  }

  async finish(): Promise<void> {}

  close(): void {}
}
