import type { z } from 'zod';

/** Reads a message from the network; null for everything that does not fit its schema. */
export function parseJson<T>(payload: Buffer, schema: z.ZodType<T>): T | null {
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
