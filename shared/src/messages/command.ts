import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { deviceIdSchema, publicKeySchema } from './ids.ts';

export const commandIdSchema = z.string().regex(/^[0-9a-f]{32}$/);

/** `dev/{id}/cmd`: JWS by an air key. A one-shot act; done at most once, never after its expiry. */
export const commandSchema = z.object({
  type: z.literal('command'),
  device: deviceIdSchema,
  id: commandIdSchema,
  issuedAt: mediaTimeSchema,
  expiresAt: mediaTimeSchema,
  act: z.discriminatedUnion('kind', [
    /** Send what sounded from `from` on (or the newest, where null) to `PUT /device/recordings/{id}` as Ogg Opus. */
    z.object({
      kind: z.literal('listen'),
      from: mediaTimeSchema.nullable(),
      durationMs: z.number().int().min(200).max(10_000),
    }),
    /** Forget everything and become a new board. The key is the one that is meant: an id outlives its boards. */
    z.object({ kind: z.literal('wipe'), key: publicKeySchema }),
  ]),
});
export type Command = z.infer<typeof commandSchema>;

/** `dev/{id}/cmd/result`: JWS by the receiver's own key. */
export const commandResultSchema = z.object({
  type: z.literal('command-result'),
  device: deviceIdSchema,
  id: commandIdSchema,
  outcome: z.enum(['done', 'failed']),
  detail: z.string().max(200).optional(),
});
export type CommandResult = z.infer<typeof commandResultSchema>;
