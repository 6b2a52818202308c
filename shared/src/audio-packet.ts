import { type MediaTime, mediaTime } from './media-time.ts';

/**
 * The audio packet of a live stream: 1 to 6 Opus frames of 20 ms with the moment at which the first must be heard.
 *
 *   0  u8   version (1)
 *   1  u8   flags (bit 0: the stream ends with this packet)
 *   2  u8   number of frames n
 *   3  u8   reserved, 0
 *   4  u32  sequence: number of the first frame in the stream, modulo 2^32
 *   8  u64  media time of the first frame, microseconds
 *  16  u16  length of each frame, n times
 *   …       the frames
 *   …  64 B Ed25519 signature over the stream's id (16 bytes) and everything before it
 *
 * Big endian. The media time stands at a fixed place so that the broker can read it without parsing.
 */
export const AUDIO_PACKET_VERSION = 1;
export const MAX_FRAMES_PER_PACKET = 6;
export const MAX_FRAME_BYTES = 1275;
export const SIGNATURE_BYTES = 64;
const HEADER_BYTES = 16;
const FLAG_LAST = 1;
const FRAME_DURATION_US = 20_000;
const UINT32 = 2 ** 32;

export interface AudioPacket {
  /** Number of the first frame in its stream, modulo 2^32: the next packet's is this plus the number of frames. */
  readonly sequence: number;
  readonly mediaTime: MediaTime;
  readonly isLast: boolean;
  /** Opus frames of 20 ms; views into the received bytes, not copies. */
  readonly frames: readonly Uint8Array[];
}

export interface ReceivedAudioPacket extends AudioPacket {
  /** What was signed, without the stream's id. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Lays out a packet with room for its signature in the last 64 bytes. Throws a RangeError on impossible frames. */
export function encodeAudioPacket(packet: AudioPacket): Uint8Array {
  const { frames } = packet;
  if (frames.length < 1 || frames.length > MAX_FRAMES_PER_PACKET) {
    throw new RangeError(`an audio packet holds 1 to ${MAX_FRAMES_PER_PACKET} frames, not ${frames.length}`);
  }
  const bodyBytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0);
  const bytes = new Uint8Array(HEADER_BYTES + 2 * frames.length + bodyBytes + SIGNATURE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, AUDIO_PACKET_VERSION);
  view.setUint8(1, packet.isLast ? FLAG_LAST : 0);
  view.setUint8(2, frames.length);
  view.setUint32(4, packet.sequence);
  view.setUint32(8, Math.floor(packet.mediaTime / UINT32));
  view.setUint32(12, packet.mediaTime % UINT32);
  let offset = HEADER_BYTES + 2 * frames.length;
  frames.forEach((frame, index) => {
    if (frame.byteLength < 1 || frame.byteLength > MAX_FRAME_BYTES) {
      throw new RangeError(`an Opus frame has 1 to ${MAX_FRAME_BYTES} bytes, not ${frame.byteLength}`);
    }
    view.setUint16(HEADER_BYTES + 2 * index, frame.byteLength);
    bytes.set(frame, offset);
    offset += frame.byteLength;
  });
  return bytes;
}

/** Reads a packet without copying. Returns null for anything that is not exactly one well-formed packet. */
export function decodeAudioPacket(bytes: Uint8Array): ReceivedAudioPacket | null {
  if (bytes.byteLength < HEADER_BYTES + 2 + 1 + SIGNATURE_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(1);
  if (view.getUint8(0) !== AUDIO_PACKET_VERSION || flags > FLAG_LAST || view.getUint8(3) !== 0) return null;
  const frames = readFrames(bytes, view);
  const time = readPacketMediaTime(bytes);
  if (frames === null || time === null) return null;
  const signedBytes = bytes.byteLength - SIGNATURE_BYTES;
  return {
    sequence: view.getUint32(4),
    mediaTime: time,
    isLast: flags === FLAG_LAST,
    frames,
    signed: bytes.subarray(0, signedBytes),
    signature: bytes.subarray(signedBytes),
  };
}

function readFrames(bytes: Uint8Array, view: DataView): Uint8Array[] | null {
  const count = view.getUint8(2);
  const end = bytes.byteLength - SIGNATURE_BYTES;
  let offset = HEADER_BYTES + 2 * count;
  if (count < 1 || count > MAX_FRAMES_PER_PACKET || offset > end) return null;
  const frames: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    const length = view.getUint16(HEADER_BYTES + 2 * index);
    if (length < 1 || length > MAX_FRAME_BYTES || offset + length > end) return null;
    frames.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return offset === end ? frames : null;
}

/** The media time of the first frame, read from the fixed place alone; null where it can't be one. */
export function readPacketMediaTime(bytes: Uint8Array): MediaTime | null {
  if (bytes.byteLength < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const microseconds = view.getUint32(8) * UINT32 + view.getUint32(12);
  return Number.isSafeInteger(microseconds) ? mediaTime(microseconds) : null;
}

/** The moment from which nothing of the packet can still be heard on time; null where it is no audio packet. */
export function readPacketEnd(bytes: Uint8Array): MediaTime | null {
  const start = readPacketMediaTime(bytes);
  if (start === null || bytes[0] !== AUDIO_PACKET_VERSION) return null;
  const end = start + (bytes[2] ?? 0) * FRAME_DURATION_US;
  return Number.isSafeInteger(end) ? mediaTime(end) : null;
}
