import { streamIdSchema } from './messages/ids.ts';

/**
 * `dev/{id}/repair/res`: one packet that never came, as it was published, with the stream that it is of.
 *
 *   0  16 B  the stream's id
 *  16        one signed audio packet
 *
 * A message of its own for each packet, so that the broker can drop those whose time has passed. Unsigned by itself: the
 * packet's signature covers the id.
 */
export const REPAIR_PREFIX_BYTES = 16;

export interface RepairAnswer {
  readonly streamId: string;
  /** A view into the received bytes; not checked in any way. */
  readonly packet: Uint8Array;
}

/** Puts the stream's id before the packet. Throws a ZodError where it is none. */
export function encodeRepairAnswer({ streamId, packet }: RepairAnswer): Uint8Array {
  const bytes = new Uint8Array(REPAIR_PREFIX_BYTES + packet.byteLength);
  const id = BigInt(`0x${streamIdSchema.parse(streamId)}`);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, id >> 64n);
  view.setBigUint64(8, BigInt.asUintN(64, id));
  bytes.set(packet, REPAIR_PREFIX_BYTES);
  return bytes;
}

/** Takes the two apart without copying; null where nothing stands behind the id. */
export function decodeRepairAnswer(bytes: Uint8Array): RepairAnswer | null {
  if (bytes.byteLength <= REPAIR_PREFIX_BYTES) return null;
  const id = bytes.subarray(0, REPAIR_PREFIX_BYTES);
  const streamId = Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { streamId, packet: bytes.subarray(REPAIR_PREFIX_BYTES) };
}
