import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { addMs, mediaTime, type MediaTime } from '../media-time.ts';
import { credentialSchema } from '../messages/index.ts';
import {
  certify,
  generateSigningKey,
  identify,
  makeToken,
  readSigningKey,
  signJws,
  TrustStore,
  verifyJws,
  writeSigningKey,
  type KeyPurpose,
} from './index.ts';

const now = mediaTime(1_795_500_000_000_000);
const dayMs = 86_400_000;
const root = generateSigningKey();
const schema = z.object({ type: z.literal('thing'), n: z.number() });
const thing = { type: 'thing', n: 7 };

async function certified(
  purpose: KeyPurpose,
  by = root,
  span: { notBefore?: MediaTime; retiresBefore?: MediaTime } = {},
) {
  const key = generateSigningKey();
  const grant = { purpose, key: key.public, notBefore: now, expiresAt: addMs(now, dayMs), ...span };
  return { key, certificate: await certify(by, grant) };
}

describe('what the platform signs', () => {
  test('is believed under a key that the root has certified for the purpose', async () => {
    const { key, certificate } = await certified('plan');
    const jws = await signJws(thing, key, certificate);
    const trust = new TrustStore(root.public);
    expect(await trust.verify(jws, { purpose: 'plan', schema, now })).toEqual({ ok: true, payload: thing });
  });

  test('needs its certificate only once', async () => {
    const { key, certificate } = await certified('time');
    const trust = new TrustStore(root.public);
    const bare = await signJws(thing, key);
    const expected = { purpose: 'time', schema, now } as const;
    expect(await trust.verify(bare, expected)).toEqual({ ok: false, reason: 'unknown-key' });
    expect(await trust.learn(certificate)).toBeNull();
    expect(await trust.verify(bare, expected)).toEqual({ ok: true, payload: thing });
  });

  test('is refused for another purpose, after the key has expired, and under a stranger’s root', async () => {
    const { key, certificate } = await certified('air');
    const jws = await signJws(thing, key, certificate);
    const trust = new TrustStore(root.public);
    const refusal = (reason: string) => ({ ok: false, reason });
    expect(await trust.verify(jws, { purpose: 'plan', schema, now })).toEqual(refusal('wrong-purpose'));
    const later = addMs(now, dayMs);
    expect(await trust.verify(jws, { purpose: 'air', schema, now: later })).toEqual(refusal('key-expired'));
    const stranger = new TrustStore(generateSigningKey().public);
    expect(await stranger.verify(jws, { purpose: 'air', schema, now })).toEqual(refusal('bad-signature'));
  });

  test('is refused once a key is known that retires its own, and stays believed under the others', async () => {
    const [stolen, other] = [await certified('plan'), await certified('air')];
    const retired: string[] = [];
    const trust = new TrustStore(root.public, (purpose) => retired.push(purpose));
    const by = async ({ key, certificate }: typeof stolen) => signJws(thing, key, certificate);
    const later = addMs(now, 1000);
    const verify = async (signer: typeof stolen, purpose: KeyPurpose) =>
      trust.verify(await by(signer), { purpose, schema, now: later });
    expect(await verify(stolen, 'plan')).toEqual({ ok: true, payload: thing });
    const next = await certified('plan', root, { notBefore: later, retiresBefore: later });
    expect(await verify(next, 'plan')).toEqual({ ok: true, payload: thing });
    expect(await verify(stolen, 'plan')).toEqual({ ok: false, reason: 'key-retired' });
    expect(await verify(other, 'air')).toEqual({ ok: true, payload: thing });
    expect([trust.isRetired(stolen.key.kid), trust.isRetired(next.key.kid)]).toEqual([true, false]);
    expect(await trust.learn(next.certificate)).toBeNull();
    expect(retired).toEqual(['plan']);
  });

  test('is refused when a certified key certifies another', async () => {
    const plan = await certified('plan');
    const forged = await certified('air', plan.key);
    const jws = await signJws(thing, forged.key, forged.certificate);
    const trust = new TrustStore(root.public);
    expect((await trust.verify(jws, { purpose: 'air', schema, now })).ok).toBe(false);
  });

  test('is refused with any character changed', async () => {
    const { key, certificate } = await certified('plan');
    const jws = await signJws(thing, key, certificate);
    const trust = new TrustStore(root.public);
    for (let at = 0; at < jws.length; at += 7) {
      const other = jws[at] === 'A' ? 'B' : 'A';
      const altered = jws.slice(0, at) + other + jws.slice(at + 1);
      expect((await trust.verify(altered, { purpose: 'plan', schema, now })).ok).toBe(false);
    }
  });

  test('is refused where it is no JWS, signed without a key, or not of the schema', async () => {
    const { key } = await certified('plan');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.AA`;
    for (const text of ['', 'x', '{}', '..', unsigned]) {
      expect(await verifyJws(text, key.publicKey, schema)).toEqual({ ok: false, reason: 'malformed' });
    }
    const other = await signJws({ type: 'other' }, key);
    expect(await verifyJws(other, key.publicKey, schema)).toEqual({ ok: false, reason: 'malformed' });
  });
});

describe('a credential with a token', () => {
  const holder = generateSigningKey();
  const id = 'd-abcdefghij';
  let credential = '';
  const trust = new TrustStore(root.public);

  beforeAll(async () => {
    const issuer = await certified('credential');
    const claims = { type: 'credential', id, role: 'device', key: holder.public, issuedAt: now };
    credential = await signJws(
      { ...claims, expiresAt: addMs(now, dayMs / 2) },
      issuer.key,
      issuer.certificate,
    );
  });

  const tryAt = async (shown: { token: string }, audience = 'loalang', at = now) =>
    identify(trust, { credential, ...shown }, { audience, now: at });

  test('identifies its holder', async () => {
    const token = await makeToken(holder, { id, audience: 'loalang', now });
    expect(await tryAt({ token })).toMatchObject({ ok: true, credential: { id, role: 'device' } });
  });

  test('is refused with another’s key, for another audience, another id, later, and after the credential ended', async () => {
    const good = { id, audience: 'loalang', now };
    const refusals = [
      await tryAt({ token: await makeToken(generateSigningKey(), good) }),
      await tryAt({ token: await makeToken(holder, good) }, 'elsewhere'),
      await tryAt({ token: await makeToken(holder, { ...good, id: 'd-zzzzzzzzzz' }) }),
      await tryAt({ token: await makeToken(holder, good) }, 'loalang', addMs(now, 120_000)),
      await tryAt({ token: await makeToken(holder, { ...good, now: addMs(now, 60_000) }) }),
      await tryAt({ token: await makeToken(holder, good) }, 'loalang', addMs(now, dayMs / 2)),
    ];
    expect(refusals.map((refusal) => (refusal.ok ? 'ok' : refusal.reason))).toEqual([
      'bad-signature',
      'wrong-device',
      'wrong-device',
      'expired',
      'expired',
      'expired',
    ]);
  });

  test('signed by a key of another purpose is refused', async () => {
    const issuer = await certified('plan');
    const claims = {
      type: 'credential',
      id,
      role: 'platform',
      key: holder.public,
      issuedAt: now,
      expiresAt: now,
    };
    const jws = await signJws(claims, issuer.key, issuer.certificate);
    const verified = await trust.verify(jws, { purpose: 'credential', schema: credentialSchema, now });
    expect(verified).toEqual({ ok: false, reason: 'wrong-purpose' });
  });
});

test('a signing key is the same after it was written and read', () => {
  const key = generateSigningKey();
  expect(readSigningKey(writeSigningKey(key)).kid).toBe(key.kid);
});
