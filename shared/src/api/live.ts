import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { broadcastIdSchema, lineSchema, streamIdSchema } from '../messages/ids.ts';

/** How long after its capture a word is heard: sooner, or with fewer words lost. */
const latencySettingSchema = z.enum(['fast', 'balanced', 'sure']);
export type LatencySetting = z.infer<typeof latencySettingSchema>;

/** What there is to choose from for some units as things stand. */
export const latencyChoiceSchema = z.object({
  latencyMs: z.record(latencySettingSchema, z.number().int()),
  recommended: latencySettingSchema,
});
export type LatencyChoice = z.infer<typeof latencyChoiceSchema>;

/**
 * The WebSocket of a live microphone, `GET /api/live`. The browser's first message is `liveStartSchema`; then each
 * binary message carries sound: for `opus` 1 to 6 frames as `packFrames` lays them out, for `pcm` signed 16-bit little-
 * endian mono samples at 48 kHz, whole blocks of 960. Closing the socket ends the broadcast.
 */
export const liveStartSchema = z.object({
  type: z.literal('start'),
  title: lineSchema(200).min(1),
  unitIds: z.array(z.string()).max(500),
  codec: z.enum(['opus', 'pcm']),
  /** By default the recommended one; `on-air` tells how many milliseconds it is for these receivers. */
  latency: latencySettingSchema.optional(),
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
