import { createDecoder, isOpusError } from 'libopus-wasm';
import type { OpusDecoderHandle } from 'libopus-wasm';
import { FRAME_SAMPLES, OpusPacketError, SAMPLE_RATE, assertPlayablePacket } from './packet.ts';

/** Decodes one stream; packets go in in order, a lost one is replaced by `conceal()`. */
export interface OpusDecoder {
  /** 960 mono samples in [-1, 1]; throws `OpusPacketError` and stays usable if the packet is bad. */
  decode(packet: Uint8Array): Float32Array;
  /** 960 samples that stand in for one lost frame (libopus packet loss concealment). */
  conceal(): Float32Array;
  close(): void;
}

/** A mono decoder; stereo packets are mixed down by libopus. */
export async function createOpusDecoder(): Promise<OpusDecoder> {
  const handle = await createDecoder({ channels: 1, sampleRate: SAMPLE_RATE, maxFrameSize: FRAME_SAMPLES });
  return {
    decode: (packet) => decodePacket(handle, packet),
    conceal: () => limit(handle.decodePacketLossFloat(FRAME_SAMPLES)),
    close: () => handle.free(),
  };
}

function decodePacket(handle: OpusDecoderHandle, packet: Uint8Array): Float32Array {
  assertPlayablePacket(packet);
  const samples = limit(decodeOrRefuse(handle, packet));
  if (samples.length === FRAME_SAMPLES) return samples;
  throw new OpusPacketError(`Opus packet gave ${samples.length} samples; expected ${FRAME_SAMPLES}`);
}

function decodeOrRefuse(handle: OpusDecoderHandle, packet: Uint8Array): Float32Array {
  try {
    return handle.decodeFloat(packet);
  } catch (cause) {
    if (!isOpusError(cause)) throw cause;
    throw new OpusPacketError(`Opus packet of ${packet.byteLength} bytes is malformed`, { cause });
  }
}

// libopus overshoots full scale a little, and a forged packet may give what is not a number at all;
// neither may reach an amplifier.
function limit(samples: Float32Array): Float32Array {
  for (let index = 0; index < samples.length; index += 1) {
    const value = samples[index] ?? 0;
    if (!(value >= -1 && value <= 1)) samples[index] = Number.isNaN(value) ? 0 : Math.sign(value);
  }
  return samples;
}
