import type { JoinAnswer, MediaTime } from '@loalang/shared';
import { credentialSchema, readBrokerUrl } from '@loalang/shared';
import type { SigningKey, TrustStore } from '@loalang/shared/signing';
import type { Membership } from './identity-store.ts';

/**
 * A joined answer as a membership; throws where its credential isn't for this key, whoever answered, or where the broker's
 * address can be none: kept, that would keep the receiver away from every broker.
 */
export async function checkAnswer(
  answer: Extract<JoinAnswer, { state: 'joined' }>,
  own: { key: SigningKey; trust: TrustStore; now: MediaTime | null },
): Promise<Membership> {
  const verified = await own.trust.verify(answer.credential, {
    purpose: 'credential',
    schema: credentialSchema,
    now: own.now,
  });
  if (!verified.ok) throw new Error(`the credential is refused: ${verified.reason}`);
  const { id, role, key } = verified.payload;
  if (id !== answer.deviceId || role !== 'device' || key !== own.key.public) {
    throw new Error('the credential is for somebody else');
  }
  readBrokerUrl(answer.broker.url);
  return {
    deviceId: answer.deviceId,
    credential: answer.credential,
    brokerUrl: answer.broker.url,
    brokerName: answer.broker.name,
    ...(answer.certificate !== undefined && { certificate: answer.certificate }),
  };
}

/** A credential is renewed when less than this is left of it. */
const RENEW_BEFORE_US = 7 * 86_400 * 1e6;

/** Does the credential end soon, or has it ended? One that can't be read is as good as ended. */
export async function needsRenewal(
  membership: Membership,
  trust: TrustStore,
  now: MediaTime,
): Promise<boolean> {
  const verified = await trust.verify(membership.credential, {
    purpose: 'credential',
    schema: credentialSchema,
    now: null,
  });
  return !verified.ok || verified.payload.expiresAt - now < RENEW_BEFORE_US;
}
