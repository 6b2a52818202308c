import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { deviceIdSchema, lineSchema } from '../messages/ids.ts';
import { joinCodeSchema } from '../messages/link.ts';
import { acousticOffsetMsSchema } from '../messages/plan.ts';

/** What people set on a receiver. */
export const deviceSettingsSchema = z.object({
  /** How much later than media time says it sounds. */
  acousticOffsetMs: acousticOffsetMsSchema,
});
export type DeviceSettings = z.infer<typeof deviceSettingsSchema>;

/** Which board waits with this code? */
export const boardQuestionSchema = z.object({ code: joinCodeSchema });
/** A board that waits to be let in. */
export const waitingBoardSchema = z.object({
  model: z.string(),
  serial: z.string().nullable(),
  /** From which network address it was heard, and when last. */
  address: z.string(),
  heardAt: mediaTimeSchema,
  expiresAt: mediaTimeSchema,
});
export type WaitingBoard = z.infer<typeof waitingBoardSchema>;

/** A new receiver: the board with this code gets this place. */
export const newDeviceSchema = z.object({
  code: joinCodeSchema,
  unitId: z.string().min(1).max(100),
  /** As painted on the pole; each number once in a unit. */
  number: z.number().int().min(1).max(9_999),
  name: lineSchema(100).min(1),
});
export type NewDevice = z.infer<typeof newDeviceSchema>;
export const addedDeviceSchema = z.object({ id: deviceIdSchema });
export type AddedDevice = z.infer<typeof addedDeviceSchema>;

/** How a receiver left service: it has confirmed that it forgot everything, or it could not be reached. */
export const retirementSchema = z.object({ outcome: z.enum(['wiped', 'unreached']) });
export type Retirement = z.infer<typeof retirementSchema>;
