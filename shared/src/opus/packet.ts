/** Samples a second, everywhere in the project. */
export const SAMPLE_RATE = 48_000;
/** Samples of one channel in one 20 ms frame. */
export const FRAME_SAMPLES = 960;
/** Length of one frame in microseconds. */
export const FRAME_US = 20_000;

// RFC 6716 §3.2.5 [R5]: no packet holds more than 120 ms.
const MAX_PACKET_US = 120_000;
// Eight frames of 2.5 ms, each of at most 1275 bytes (RFC 6716 §3.2.1) with a two-byte length, and the
// two leading bytes. Only padding could make a 20 ms packet longer, and nobody honest pads that much.
const MAX_PACKET_BYTES = 2 + 8 * (1275 + 2);

const SILK_FRAME_US = [10_000, 20_000, 40_000, 60_000] as const;
const HYBRID_FRAME_US = [10_000, 20_000] as const;
const CELT_FRAME_US = [2_500, 5_000, 10_000, 20_000] as const;

/** An Opus packet that cannot be played: malformed, or not 20 ms long. The decoder stays usable. */
export class OpusPacketError extends Error {
  override readonly name = 'OpusPacketError';
  readonly code = 'OPUS_PACKET_INVALID';
}

/** Length of the audio in a packet, read from its first two bytes; null if no packet begins so. */
export function opusPacketDurationUs(packet: Uint8Array): number | null {
  const toc = packet[0];
  if (toc === undefined) return null;
  const frames = frameCount(toc, packet[1]);
  const durationUs = frames * frameDurationUs(toc >> 3);
  return durationUs > 0 && durationUs <= MAX_PACKET_US ? durationUs : null;
}

/** Refuses a packet that is not 20 ms in all or that is absurdly long. */
export function assertPlayablePacket(packet: Uint8Array): void {
  if (packet.byteLength > MAX_PACKET_BYTES) {
    throw new OpusPacketError(
      `Opus packet of ${packet.byteLength} bytes; at most ${MAX_PACKET_BYTES} are allowed`,
    );
  }
  const durationUs = opusPacketDurationUs(packet);
  if (durationUs === FRAME_US) return;
  const found = durationUs === null ? 'no valid table-of-contents byte' : `${durationUs / 1000} ms of audio`;
  throw new OpusPacketError(`Opus packet of ${packet.byteLength} bytes has ${found}; expected 20 ms`);
}

// RFC 6716 §3.1, table 2: which mode and frame size a configuration number means.
function frameDurationUs(config: number): number {
  if (config < 12) return SILK_FRAME_US[config % 4] ?? 0;
  if (config < 16) return HYBRID_FRAME_US[config % 2] ?? 0;
  return CELT_FRAME_US[config % 4] ?? 0;
}

// RFC 6716 §3.2: the two low bits say one frame, two frames, or a count in the next byte.
function frameCount(toc: number, countByte: number | undefined): number {
  const code = toc & 0b11;
  if (code === 0) return 1;
  if (code < 3) return 2;
  return (countByte ?? 0) & 0b11_1111;
}
