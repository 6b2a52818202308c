import { sign, verify, type KeyObject } from 'node:crypto';
import {
  encodeAudioPacket,
  decodeAudioPacket,
  SIGNATURE_BYTES,
  type AudioPacket,
  type ReceivedAudioPacket,
} from '../audio-packet.ts';
import type { RefusalReason } from '../messages/status.ts';

/** Lays out and signs one packet of a stream: Ed25519 over the stream's 16-byte id and the packet. */
export function signAudioPacket(packet: AudioPacket, streamId: string, privateKey: KeyObject): Uint8Array {
  const bytes = encodeAudioPacket(packet);
  const signed = bytes.subarray(0, bytes.byteLength - SIGNATURE_BYTES);
  bytes.set(sign(null, withStreamId(signed, streamId), privateKey), signed.byteLength);
  return bytes;
}

/** Reads a packet and checks that it is one of this stream, signed by the key that the stream's announcement names. */
export function verifyAudioPacket(
  bytes: Uint8Array,
  streamId: string,
  publicKey: KeyObject,
): { ok: true; packet: ReceivedAudioPacket } | { ok: false; reason: RefusalReason } {
  const packet = decodeAudioPacket(bytes);
  if (packet === null) return { ok: false, reason: 'malformed' };
  return verify(null, withStreamId(packet.signed, streamId), publicKey, packet.signature)
    ? { ok: true, packet }
    : { ok: false, reason: 'bad-signature' };
}

function withStreamId(signed: Uint8Array, streamId: string): Buffer {
  return Buffer.concat([Buffer.from(streamId, 'hex'), signed]);
}
