import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { broadcastIdSchema, countSchema, deviceIdSchema } from './ids.ts';

export const chainIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

export const missedReasons = [
  'asset-missing',
  'asset-corrupt',
  'clock-unknown',
  'quiet-hours',
  'interrupted',
  'stopped',
  'muted',
  'powered-off',
  'no-packets',
  'sink-failed',
] as const;
export type MissedReason = (typeof missedReasons)[number];

/**
 * `dev/{id}/proof`: JWS by the receiver's own key. What was really played of one broadcast. Each proof names the hash
 * of the one before it in its chain, so that none can be left out or exchanged afterwards.
 */
export const proofSchema = z.object({
  type: z.literal('proof'),
  device: deviceIdSchema,
  chain: chainIdSchema,
  seq: countSchema.min(1),
  /** SHA-256 (base64url) of the previous proof's JWS; empty for the first of a chain. */
  previous: z.string().regex(/^([A-Za-z0-9_-]{43})?$/),
  broadcastId: broadcastIdSchema,
  kind: z.enum(['item', 'stream']),
  /** Media time of the first and after the last sample that sounded; null where nothing did. */
  startedAt: mediaTimeSchema.nullable(),
  endedAt: mediaTimeSchema.nullable(),
  /** 20 ms frames: heard as sent, heard as concealment, due but not heard. */
  frames: z.object({
    played: countSchema,
    concealed: countSchema,
    missed: countSchema,
  }),
  /** Why frames were missed; null where none were. */
  reason: z.enum(missedReasons).nullable(),
  /** Root mean square of what went to the sink, dBFS. */
  levelDbfs: z.number().min(-120).max(6).nullable(),
  /** Mean amplifier current while it sounded, amperes; null where the board can't measure. */
  amplifierA: z.number().min(0).max(100).nullable(),
});
export type Proof = z.infer<typeof proofSchema>;

/** `dev/{id}/proof/ack`: JWS by a plan key. Everything of the chain up to seq is committed on the platform. */
export const proofAckSchema = z.object({
  type: z.literal('proof-ack'),
  device: deviceIdSchema,
  chain: chainIdSchema,
  seq: countSchema.min(1),
});
export type ProofAck = z.infer<typeof proofAckSchema>;
