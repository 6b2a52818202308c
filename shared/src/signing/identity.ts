import { addMs, type MediaTime } from '../media-time.ts';
import { credentialSchema, tokenSchema, type Credential, type Token } from '../messages/link.ts';
import type { RefusalReason } from '../messages/status.ts';
import { readSignatureHeader, signJws, verifyJws } from './jws.ts';
import { makeNonce, readPublicKey, type SigningKey } from './keys.ts';
import type { TrustStore } from './trust.ts';

/** A token lives this long; whoever takes tokens remembers their nonces for as long, so that none works twice. */
export const TOKEN_LIFE_MS = 60_000;
/** The holder's clock may be off by this much. */
const TOKEN_SKEW_MS = 30_000;

/** Proves, by the holder's own key, that it is there now and means this audience (the broker's or the platform's name). */
export async function makeToken(
  key: SigningKey,
  claim: { id: string; audience: string; now: MediaTime },
): Promise<string> {
  const token: Token = {
    type: 'token',
    id: claim.id,
    audience: claim.audience,
    nonce: makeNonce(),
    issuedAt: claim.now,
    expiresAt: addMs(claim.now, TOKEN_LIFE_MS),
  };
  return signJws(token, key);
}

/** `signedBy`: the id of the key that signed the credential. */
export type Identified =
  { ok: true; credential: Credential; signedBy: string; token: Token } | { ok: false; reason: RefusalReason };

/**
 * Checks a credential and a proof that its holder is there: signatures, ids, audience and times.
 * That a token is used once and that its id isn't revoked is the caller's to check: only it remembers.
 */
export async function identify(
  trust: TrustStore,
  shown: { credential: string; token: string },
  expected: { audience: string; now: MediaTime },
): Promise<Identified> {
  const { audience, now } = expected;
  const credential = await trust.verify(shown.credential, {
    purpose: 'credential',
    schema: credentialSchema,
    now,
  });
  if (!credential.ok) return credential;
  if (credential.payload.expiresAt <= now) return { ok: false, reason: 'expired' };
  const token = await verifyJws(shown.token, readPublicKey(credential.payload.key), tokenSchema);
  if (!token.ok) return token;
  const objection = objectionTo(token.payload, credential.payload.id, audience, now);
  if (objection !== null) return { ok: false, reason: objection };
  const signedBy = readSignatureHeader(shown.credential)?.kid ?? '';
  return { ok: true, credential: credential.payload, signedBy, token: token.payload };
}

function objectionTo(token: Token, id: string, audience: string, now: MediaTime): RefusalReason | null {
  if (token.id !== id || token.audience !== audience) return 'wrong-device';
  const isFresh =
    token.expiresAt > addMs(now, -TOKEN_SKEW_MS) &&
    token.issuedAt <= addMs(now, TOKEN_SKEW_MS) &&
    token.expiresAt <= addMs(token.issuedAt, TOKEN_LIFE_MS);
  return isFresh ? null : 'expired';
}
