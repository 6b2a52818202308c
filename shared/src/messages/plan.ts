import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { policySchema } from '../policy.ts';
import { broadcastIdSchema, deviceIdSchema, prioritySchema, revisionSchema, sha256Schema } from './ids.ts';

/** One planned item: an asset that starts at a media time. It sounds from its start to start + duration, no later. */
export const planItemSchema = z.object({
  broadcastId: broadcastIdSchema,
  title: z.string().max(200),
  priority: prioritySchema,
  startAt: mediaTimeSchema,
  durationMs: z.number().int().min(1).max(86_400_000),
  asset: z.object({ sha256: sha256Schema, bytes: z.number().int().min(1) }),
});
export type PlanItem = z.infer<typeof planItemSchema>;

/** A delay of 2 s evens out a path of 686 m (343 m/s); what is heard from further away is not loud enough to disturb. */
export const MAX_ACOUSTIC_OFFSET_MS = 2_000;
/**
 * How much later than media time says a receiver sounds, in milliseconds: a near loudspeaker waits, so that its sound
 * meets that of a far one where people stand. Only ever later. What sounds earlier would have to be there earlier, and a
 * live stream's packets are not; of two loudspeakers one can always be the one that waits.
 */
export const acousticOffsetMsSchema = z.number().int().min(0).max(MAX_ACOUSTIC_OFFSET_MS);

/** `dev/{id}/plan`: JWS by a plan key. All items of the next seven days, and the policy they live under. */
export const planSchema = z.object({
  type: z.literal('plan'),
  device: deviceIdSchema,
  revision: revisionSchema,
  issuedAt: mediaTimeSchema,
  policy: policySchema,
  /** A plan of before there were offsets has none. */
  acousticOffsetMs: acousticOffsetMsSchema.default(0),
  items: z.array(planItemSchema).max(2000),
});
export type Plan = z.infer<typeof planSchema>;
