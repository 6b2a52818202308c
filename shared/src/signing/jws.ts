import { CompactSign, compactVerify, decodeProtectedHeader } from 'jose';
import { z } from 'zod';
import { compactJwsSchema } from '../messages/ids.ts';
import type { RefusalReason } from '../messages/status.ts';
import type { SigningKey } from './keys.ts';
import type { KeyObject } from 'node:crypto';

export type Verified<T> = { ok: true; payload: T } | { ok: false; reason: RefusalReason };

const headerSchema = z.object({
  alg: z.literal('EdDSA'),
  kid: z.string().regex(/^[0-9a-f]{16}$/),
  /** The certificate of the signing key, itself a JWS by the root. */
  cert: compactJwsSchema.optional(),
});
export type SignatureHeader = z.infer<typeof headerSchema>;

/** Signs a JSON payload as a compact JWS (RFC 7515) with EdDSA (RFC 8037), with the key's certificate where given. */
export async function signJws(payload: object, key: SigningKey, certificate?: string): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({
      alg: 'EdDSA',
      kid: key.kid,
      ...(certificate === undefined ? {} : { cert: certificate }),
    })
    .sign(key.privateKey);
}

/** Reads who signed, without believing it. Null for what is no JWS of ours. */
export function readSignatureHeader(jws: string): SignatureHeader | null {
  if (!compactJwsSchema.safeParse(jws).success) return null;
  try {
    return headerSchema.parse(decodeProtectedHeader(jws));
  } catch (error) {
    // Both throw on hostile input only, and hostile input is an expected outcome here.
    if (error instanceof Error) return null;
    throw error;
  }
}

/** Verifies a compact JWS against one key and reads its payload by the schema. */
export async function verifyJws<T>(jws: string, key: KeyObject, schema: z.ZodType<T>): Promise<Verified<T>> {
  if (readSignatureHeader(jws) === null) return { ok: false, reason: 'malformed' };
  let text: string;
  try {
    const { payload } = await compactVerify(jws, key, { algorithms: ['EdDSA'] });
    text = Buffer.from(payload).toString('utf8');
  } catch (error) {
    if (error instanceof Error) return { ok: false, reason: 'bad-signature' };
    throw error;
  }
  return parsePayload(text, schema);
}

function parsePayload<T>(text: string, schema: z.ZodType<T>): Verified<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return { ok: false, reason: 'malformed' };
    throw error;
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { ok: true, payload: parsed.data } : { ok: false, reason: 'malformed' };
}
