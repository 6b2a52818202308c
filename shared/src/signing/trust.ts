import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { addMs, type MediaTime } from '../media-time.ts';
import { publicKeySchema } from '../messages/ids.ts';
import type { RefusalReason } from '../messages/status.ts';
import { readSignatureHeader, signJws, verifyJws, type Verified } from './jws.ts';
import { keyId, keyPurposes, readPublicKey, type KeyPurpose, type SigningKey } from './keys.ts';
import type { KeyObject } from 'node:crypto';

const certificateSchema = z.object({
  type: z.literal('certificate'),
  purpose: z.enum(keyPurposes),
  key: publicKeySchema,
  notBefore: mediaTimeSchema,
  expiresAt: mediaTimeSchema,
  /** Keys of this purpose whose certificates begin before this are stolen or lost: whoever reads this believes them no more. */
  retiresBefore: mediaTimeSchema.optional(),
});
type Certificate = z.infer<typeof certificateSchema>;

interface TrustedKey {
  readonly certificate: Certificate;
  readonly publicKey: KeyObject;
}

/** The root's word that a key may sign for one purpose for a while: a JWS by the root. */
export async function certify(
  root: SigningKey,
  grant: {
    purpose: KeyPurpose;
    key: string;
    notBefore: MediaTime;
    expiresAt: MediaTime;
    retiresBefore?: MediaTime;
  },
): Promise<string> {
  return signJws({ type: 'certificate', ...grant }, root);
}

/** Two clocks of one system may disagree by this much before a certificate counts as not yet valid. */
const CLOCK_SKEW_MS = 60_000;
/** Rotation leaves a handful of keys alive; more than this is somebody trying. The oldest is forgotten. */
const MAX_KEYS = 32;

/**
 * Who is believed: everything signed by a key that the pinned root has certified for the purpose and has not retired since.
 * A retirement travels in the certificate of the key that takes the place, so that whoever hears of the new key knows.
 * Knows no clock; whoever asks says the time, or null where it isn't known (then validity spans can't be checked, which
 * is right only for the signed time itself).
 */
export class TrustStore {
  readonly #root: KeyObject;
  readonly #onRetired: (purpose: KeyPurpose) => void;
  readonly #keys = new Map<string, TrustedKey>();
  readonly #retiredBefore = new Map<KeyPurpose, MediaTime>();

  /** `onRetired` is called when keys that were believed until now no longer are. */
  constructor(rootPublicKey: string, onRetired: (purpose: KeyPurpose) => void = () => undefined) {
    this.#root = readPublicKey(rootPublicKey);
    this.#onRetired = onRetired;
  }

  /** Verifies a JWS that must be signed for the purpose, by its embedded certificate or one learned before. */
  async verify<T>(
    jws: string,
    expected: { purpose: KeyPurpose; schema: z.ZodType<T>; now: MediaTime | null },
  ): Promise<Verified<T>> {
    const header = readSignatureHeader(jws);
    if (header === null) return { ok: false, reason: 'malformed' };
    if (header.cert !== undefined && !this.#keys.has(header.kid)) {
      const learned = await this.learn(header.cert);
      if (learned !== null) return { ok: false, reason: learned };
    }
    const key = this.#keys.get(header.kid);
    if (key === undefined) return { ok: false, reason: 'unknown-key' };
    const objection = this.#objectionTo(key.certificate, expected.purpose, expected.now);
    return objection === null
      ? verifyJws(jws, key.publicKey, expected.schema)
      : { ok: false, reason: objection };
  }

  /** Takes in a certificate of the root. Returns null, or why it was refused. */
  async learn(certificate: string): Promise<RefusalReason | null> {
    const verified = await verifyJws(certificate, this.#root, certificateSchema);
    if (!verified.ok) return verified.reason;
    const { key, purpose, retiresBefore } = verified.payload;
    if (retiresBefore !== undefined) this.#retire(purpose, retiresBefore);
    const oldest = this.#keys.keys().next();
    if (this.#keys.size >= MAX_KEYS && oldest.done !== true) this.#keys.delete(oldest.value);
    this.#keys.set(keyId(key), { certificate: verified.payload, publicKey: readPublicKey(key) });
    return null;
  }

  /** Was this key once believed, and has been retired since? */
  isRetired(kid: string): boolean {
    const signer = this.#keys.get(kid);
    return signer !== undefined && this.#hasRetired(signer.certificate);
  }

  #retire(purpose: KeyPurpose, before: MediaTime): void {
    if (before <= (this.#retiredBefore.get(purpose) ?? -Infinity)) return;
    this.#retiredBefore.set(purpose, before);
    this.#onRetired(purpose);
  }

  #hasRetired({ purpose, notBefore }: Certificate): boolean {
    return notBefore < (this.#retiredBefore.get(purpose) ?? -Infinity);
  }

  #objectionTo(certificate: Certificate, purpose: KeyPurpose, now: MediaTime | null): RefusalReason | null {
    if (certificate.purpose !== purpose) return 'wrong-purpose';
    if (this.#hasRetired(certificate)) return 'key-retired';
    if (now === null) return null;
    const isValid = now < certificate.expiresAt && addMs(now, CLOCK_SKEW_MS) >= certificate.notBefore;
    return isValid ? null : 'key-expired';
  }
}
