import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { MAX_LATENCY_MS } from '../stream-bounds.ts';
import {
  broadcastIdSchema,
  compactJwsSchema,
  deviceIdSchema,
  prioritySchema,
  publicKeySchema,
  revisionSchema,
  streamIdSchema,
} from './ids.ts';

export const MAX_STREAMS = 4;

/** A live stream on air. Its key signs the packets; this announcement, signed by the air key, vouches for it. */
export const liveStreamSchema = z.object({
  id: streamIdSchema,
  title: z.string().max(200),
  priority: prioritySchema,
  startAt: mediaTimeSchema,
  /** How long after its capture a frame is heard. */
  latencyMs: z.number().int().min(100).max(MAX_LATENCY_MS),
  /** The time box: nothing of the stream sounds from here on. */
  expiresAt: mediaTimeSchema,
  key: publicKeySchema,
});
export type LiveStream = z.infer<typeof liveStreamSchema>;

/** `dev/{id}/now`: JWS by an air key. The state of this moment, so that who comes in the middle joins in the middle. */
export const nowSchema = z.object({
  type: z.literal('now'),
  device: deviceIdSchema,
  revision: revisionSchema,
  issuedAt: mediaTimeSchema,
  streams: z.array(liveStreamSchema).max(MAX_STREAMS),
  /** Broadcasts that were stopped by hand and would otherwise still sound. */
  stopped: z.array(broadcastIdSchema).max(500),
  /** Loudness of the receiver, 0 (silent) to 100 (as installed). */
  volume: z.number().int().min(0).max(100),
  isMuted: z.boolean(),
  /** Certificates of the keys whose signatures come without one: time. */
  certificates: z.array(compactJwsSchema).max(8),
});
export type Now = z.infer<typeof nowSchema>;
