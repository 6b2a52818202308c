import { z } from 'zod';
import { priorities } from '../priority.ts';

/** A receiver's place in the system: it outlives its board, its key and its name. */
export const deviceIdSchema = z.string().regex(/^d-[a-z2-7]{10}$/);
/** A broadcast: one thing said to some receivers, whether file or live. 16 random bytes in hex. */
export const broadcastIdSchema = z.string().regex(/^[0-9a-f]{32}$/);
/** A live stream carries the id of its broadcast. */
export const streamIdSchema = broadcastIdSchema;
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
/** A raw 32-byte Ed25519 public key, base64url without padding. */
export const publicKeySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
export const nonceSchema = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/);
/** A compact JWS (RFC 7515 §7.1), unverified. */
export const compactJwsSchema = z
  .string()
  .max(4_000_000)
  .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);

/** Words of a person on one line: no control characters, of which PostgreSQL can't store the first (U+0000). */
export function lineSchema(maxLength: number): z.ZodString {
  return z
    .string()
    .trim()
    .max(maxLength)
    .regex(/^\P{Cc}*$/u);
}

/**
 * A number that something is counted by: what a receiver claims must fit the platform's columns, and sums of many must
 * stay exact.
 */
export const countSchema = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);

/** (epoch, n): n grows with each change; the epoch grows when a backup is restored, so that old numbers lose. */
export const revisionSchema = z.object({
  epoch: countSchema.min(1),
  n: countSchema,
});
export type Revision = z.infer<typeof revisionSchema>;

/** Negative where a is older than b, 0 where they are the same, positive where a is newer. */
export function compareRevisions(a: Revision, b: Revision): number {
  return a.epoch === b.epoch ? a.n - b.n : a.epoch - b.epoch;
}

export const prioritySchema = z.enum(priorities);
