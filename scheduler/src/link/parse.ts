import type { z } from 'zod';

/** No JSON message of a receiver is larger; a JWS of a status with 200 cached ids has about 12 KB. */
const MAX_MESSAGE_BYTES = 64 * 1024;

/** Reads a message from the network; null for everything that does not fit its schema. */
export function parseJson<T>(payload: Buffer, schema: z.ZodType<T>): T | null {
  if (payload.byteLength > MAX_MESSAGE_BYTES) return null;
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** The text of a message that should be a JWS; null where it is too large to be one of a receiver. */
export function readJws(payload: Buffer): string | null {
  return payload.byteLength > MAX_MESSAGE_BYTES ? null : payload.toString('utf8');
}
