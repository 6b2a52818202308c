import { z } from 'zod';

const clockTimeSchema = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

/** What a station may do; data of a unit, signed into each plan and enforced in the receiver too. */
export const policySchema = z.object({
  /** Offset of local time from UTC. Vietnam has had no daylight saving since 1975. */
  utcOffsetMinutes: z.number().int().min(-720).max(840),
  /** Spans of local time in which only an emergency may sound; a span may pass midnight. */
  quietHours: z.array(z.object({ from: clockTimeSchema, to: clockTimeSchema })).max(8),
});
export type Policy = z.infer<typeof policySchema>;
