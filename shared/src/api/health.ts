import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';

/**
 * What is wrong with the platform's time, the worst first: no time service keeps it; the system's clock is more than a
 * second off it; nothing keeps the system's clock right.
 */
export const timeAlarmSchema = z.enum(['unkept', 'off', 'unsynchronised']);
export type TimeAlarm = z.infer<typeof timeAlarmSchema>;

export const timeHealthSchema = z.object({
  alarms: z.array(timeAlarmSchema),
  /** How far the system's clock is ahead of media time, which follows it slowly. */
  offsetMs: z.number().int(),
});
export type TimeHealth = z.infer<typeof timeHealthSchema>;

export const healthSchema = z.object({
  status: z.literal('ok'),
  at: mediaTimeSchema,
  time: timeHealthSchema,
});
