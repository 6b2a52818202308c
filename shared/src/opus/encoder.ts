import { Application, createEncoder } from 'libopus-wasm';
import { loadNodeOpus } from './node-opus.ts';
import { FRAME_SAMPLES, SAMPLE_RATE } from './packet.ts';

export type OpusLibrary = 'node-opus' | 'libopus-wasm';

/** Encodes one mono stream, frame by frame. */
export interface OpusEncoder {
  readonly library: OpusLibrary;
  /** Exactly 960 samples make one 20 ms packet, which belongs to the caller. */
  encode(pcm: Int16Array): Uint8Array;
  close(): void;
}

export interface OpusEncoderOptions {
  /** Bits a second, 6000 to 510000. */
  bitrate?: number;
  application?: 'voip' | 'audio';
  /** A wish: node-opus is used only where its native build loads. */
  prefer?: OpusLibrary;
}

interface EncoderSettings {
  readonly bitrate: number;
  readonly application: 2048 | 2049;
}

// Speech at this rate is wideband and clear, and three frames fit one small MQTT packet.
const DEFAULT_BITRATE = 24_000;
const MIN_BITRATE = 6_000;
const MAX_BITRATE = 510_000;
// The longest frame that RFC 6716 §3.2.1 allows, and the byte before it.
const MAX_PACKET_BYTES = 1_276;

/** An encoder of the preferred library; which one it became is in `library` and does not change. */
export async function createOpusEncoder(options: OpusEncoderOptions = {}): Promise<OpusEncoder> {
  const settings = parseSettings(options);
  const native = options.prefer === 'libopus-wasm' ? null : createNative(settings);
  return native ?? (await createWasm(settings));
}

function parseSettings(options: OpusEncoderOptions): EncoderSettings {
  const bitrate = options.bitrate ?? DEFAULT_BITRATE;
  if (!Number.isInteger(bitrate) || bitrate < MIN_BITRATE || bitrate > MAX_BITRATE) {
    throw new RangeError(
      `Opus bitrate ${bitrate}; expected a whole number from ${MIN_BITRATE} to ${MAX_BITRATE}`,
    );
  }
  return { bitrate, application: options.application === 'audio' ? Application.Audio : Application.Voip };
}

function createNative({ bitrate, application }: EncoderSettings): OpusEncoder | null {
  const library = loadNodeOpus();
  if (library === null) return null;
  let encoder: InstanceType<typeof library.OpusEncoder> | null = new library.OpusEncoder(
    SAMPLE_RATE,
    1,
    application,
  );
  encoder.setBitrate(bitrate);
  return {
    library: 'node-opus',
    encode(pcm) {
      assertFrame(pcm);
      if (encoder === null) throw new Error('Opus encoder is closed');
      const bytes = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
      return new Uint8Array(encoder.encode(bytes, MAX_PACKET_BYTES));
    },
    // The addon frees its state when the object is collected.
    close() {
      encoder = null;
    },
  };
}

async function createWasm({ bitrate, application }: EncoderSettings): Promise<OpusEncoder> {
  const handle = await createEncoder({
    channels: 1,
    sampleRate: SAMPLE_RATE,
    frameSize: FRAME_SAMPLES,
    application,
    bitrate,
  });
  return {
    library: 'libopus-wasm',
    encode(pcm) {
      assertFrame(pcm);
      return handle.encode(pcm, { maxPacketBytes: MAX_PACKET_BYTES });
    },
    close: () => handle.free(),
  };
}

// node-opus reads as many samples as it is given and turns libopus's refusal of an odd count into a
// buffer of negative length, so the count is checked before either library sees it.
function assertFrame(pcm: Int16Array): void {
  if (!(pcm instanceof Int16Array) || pcm.length !== FRAME_SAMPLES) {
    throw new RangeError(`PCM frame of ${pcm.length} samples; expected an Int16Array of ${FRAME_SAMPLES}`);
  }
}
