import { z } from 'zod';
import { acousticOffsetMsSchema } from '../messages/plan.ts';

/** What people set on a receiver. */
export const deviceSettingsSchema = z.object({
  /** How much later than media time says it sounds. */
  acousticOffsetMs: acousticOffsetMsSchema,
});
export type DeviceSettings = z.infer<typeof deviceSettingsSchema>;
