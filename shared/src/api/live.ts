import { z } from 'zod';
import { mediaTimeSchema } from '../media-time.ts';
import { broadcastIdSchema, streamIdSchema } from '../messages/ids.ts';

/**
 * The WebSocket of a live microphone, `GET /api/live`. The browser's first message is `liveStartSchema`; then each
 * binary message carries sound: for `opus` 1 to 6 frames as `packFrames` lays them out, for `pcm` signed 16-bit little-
 * endian mono samples at 48 kHz, whole blocks of 960. Closing the socket ends the broadcast.
 */
export const liveStartSchema = z.object({
  type: z.literal('start'),
  title: z.string().trim().min(1).max(200),
  unitIds: z.array(z.string()).max(500),
  codec: z.enum(['opus', 'pcm']),
});
export type LiveStart = z.infer<typeof liveStartSchema>;

export const liveClientMessageSchema = z.discriminatedUnion('type', [
  liveStartSchema,
  z.object({ type: z.literal('end') }),
]);
export type LiveClientMessage = z.infer<typeof liveClientMessageSchema>;

export type LiveServerMessage = z.infer<typeof liveServerMessageSchema>;
export const liveServerMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('on-air'),
    broadcastId: broadcastIdSchema,
    streamId: streamIdSchema,
    latencyMs: z.number().int(),
    endsAt: mediaTimeSchema,
    deviceCount: z.number().int(),
  }),
  z.object({ type: z.literal('ended'), reason: z.enum(['speaker', 'stopped', 'time-box']) }),
  z.object({ type: z.literal('error'), code: z.string(), vi: z.string(), en: z.string() }),
]);

/** Lays out Opus frames in one message: u8 count, u16 length of each (big endian), the frames. */
export function packFrames(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(1 + frames.reduce((sum, frame) => sum + 2 + frame.byteLength, 0));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, frames.length);
  let offset = 1 + 2 * frames.length;
  frames.forEach((frame, index) => {
    view.setUint16(1 + 2 * index, frame.byteLength);
    bytes.set(frame, offset);
    offset += frame.byteLength;
  });
  return bytes;
}

/** Reads what `packFrames` wrote, without copying; null where it is anything else. */
export function unpackFrames(bytes: Uint8Array): Uint8Array[] | null {
  const count = bytes[0] ?? 0;
  let offset = 1 + 2 * count;
  if (count < 1 || count > 6 || offset > bytes.byteLength) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    const length = view.getUint16(1 + 2 * index);
    if (length < 1 || length > 1275 || offset + length > bytes.byteLength) return null;
    frames.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return offset === bytes.byteLength ? frames : null;
}
