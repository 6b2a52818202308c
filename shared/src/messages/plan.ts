import { z } from 'zod';
import { mediaTimeSchema } from '../media-time.ts';
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

/** `dev/{id}/plan`: JWS by a plan key. All items of the next seven days, and the policy they live under. */
export const planSchema = z.object({
  type: z.literal('plan'),
  device: deviceIdSchema,
  revision: revisionSchema,
  issuedAt: mediaTimeSchema,
  policy: policySchema,
  items: z.array(planItemSchema).max(2000),
});
export type Plan = z.infer<typeof planSchema>;
