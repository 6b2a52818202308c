// The two header packets of an Ogg Opus stream (RFC 7845 §5).
import { OggError } from './error.ts';

export interface OpusHead {
  readonly channels: number;
  /** Samples at 48 kHz that the decoder gives before the audio begins. */
  readonly preSkip: number;
  readonly outputGainDb: number;
}

const HEAD_BYTES = 19;
const text = new TextEncoder();

/** Reads the identification header; refuses what is not mono or stereo in channel mapping family 0. */
export function parseOpusHead(bytes: Uint8Array): OpusHead {
  if (!beginsWith(bytes, 'OpusHead') || bytes.byteLength < HEAD_BYTES) {
    throw new OggError('OGG_NOT_OPUS', 'The Ogg stream does not begin with an OpusHead packet');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(8);
  const channels = view.getUint8(9);
  const family = view.getUint8(18);
  // RFC 7845 §5.1: versions 1 to 15 are compatible with each other.
  if (version > 15 || family !== 0 || channels < 1 || channels > 2) {
    throw new OggError(
      'OGG_UNSUPPORTED',
      `Opus header version ${version}, ${channels} channels, mapping family ${family}; expected mono or stereo`,
    );
  }
  return { channels, preSkip: view.getUint16(10, true), outputGainDb: view.getInt16(16, true) / 256 };
}

/** Whether a packet begins as a comment header. */
export function isOpusTags(bytes: Uint8Array): boolean {
  return beginsWith(bytes, 'OpusTags');
}

/** The identification header of a mono stream. */
export function encodeOpusHead(preSkip: number): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(text.encode('OpusHead'));
  view.setUint8(8, 1);
  view.setUint8(9, 1);
  view.setUint16(10, preSkip, true);
  view.setUint32(12, 48_000, true);
  return bytes;
}

/** A comment header that names the writer and holds no comments. */
export function encodeOpusTags(): Uint8Array {
  const vendor = text.encode('Loa Lang');
  const bytes = new Uint8Array(16 + vendor.byteLength);
  bytes.set(text.encode('OpusTags'));
  new DataView(bytes.buffer).setUint32(8, vendor.byteLength, true);
  bytes.set(vendor, 12);
  return bytes;
}

function beginsWith(bytes: Uint8Array, name: string): boolean {
  return text.encode(name).every((byte, index) => bytes[index] === byte);
}
