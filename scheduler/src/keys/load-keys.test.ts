import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addMs, fromUnixMs, signedTimeSchema } from '@loalang/shared';
import { generateSigningKey, signJws, TrustStore, writeSigningKey } from '@loalang/shared/signing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadKeys, readKeys, retireKeys, type PlatformKeys } from './index.ts';

const start = fromUnixMs(Date.UTC(2026, 10, 24));
const DAY_MS = 86_400_000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keys-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function isBelieved(signer: PlatformKeys, root: string, days: number): Promise<boolean> {
  const at = addMs(start, days * DAY_MS);
  const nonce = 'A'.repeat(22);
  const jws = await signJws({ type: 'time', nonce, at }, signer.time.key, signer.time.certificate);
  const verified = await new TrustStore(root).verify(jws, {
    purpose: 'time',
    schema: signedTimeSchema,
    now: at,
  });
  return verified.ok;
}

test('the first start makes a root and four certified keys that nobody else can read', async () => {
  const keys = await loadKeys(folder, start);
  const names = (await readdir(folder)).toSorted();
  expect(names).toEqual(['README.txt', 'air.json', 'credential.json', 'plan.json', 'root.pem', 'time.json']);
  for (const name of names) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(folder, 'README.txt'), 'utf8')).toContain('does not belong here');
  expect(await isBelieved(keys, keys.rootPublic, 0)).toBe(true);
});

test('a start while more than 30 days are left keeps every key', async () => {
  const first = await loadKeys(folder, start);
  const again = await loadKeys(folder, addMs(start, 59 * DAY_MS));
  expect(again.rootPublic).toBe(first.rootPublic);
  expect(again.plan.key.kid).toBe(first.plan.key.kid);
  expect(again.credential.certificate).toBe(first.credential.certificate);
});

test('with the root kept elsewhere everything works until a key expires, and then one sentence says what to do', async () => {
  const first = await loadKeys(folder, start);
  await rm(join(folder, 'root.pem'));
  const again = await loadKeys(folder, addMs(start, 89 * DAY_MS));
  expect(again.rootPublic).toBe(first.rootPublic);
  expect(again.plan.key.kid).toBe(first.plan.key.kid);
  await expect(loadKeys(folder, addMs(start, 91 * DAY_MS))).rejects.toThrow(/keys\/root\.pem/);
});

test('a platform that runs for months renews its keys in place', async () => {
  const keys = await loadKeys(folder, start);
  const { plan } = keys;
  const before = plan.key.kid;
  await expect(keys.renew(addMs(start, 59 * DAY_MS))).resolves.toBe(false);
  await expect(keys.renew(addMs(start, 61 * DAY_MS))).resolves.toBe(true);
  expect(plan.key.kid).not.toBe(before);
});

test('a start with under 30 days left renews, and what the old key signed is still believed to its own end', async () => {
  const first = await loadKeys(folder, start);
  const renewed = await loadKeys(folder, addMs(start, 61 * DAY_MS));
  expect(renewed.time.key.kid).not.toBe(first.time.key.kid);
  expect(await isBelieved(renewed, first.rootPublic, 61)).toBe(true);
  expect(await isBelieved(first, first.rootPublic, 89)).toBe(true);
  expect(await isBelieved(first, first.rootPublic, 91)).toBe(false);
});

test('who reads beside the platform makes no key, and takes over what was renewed', async () => {
  await expect(readKeys(folder, start)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
  expect(await readdir(folder)).toEqual([]);
  const platform = await loadKeys(folder, start);
  const reader = await readKeys(folder, start);
  expect(reader.rootPublic).toBe(platform.rootPublic);
  const late = addMs(start, 61 * DAY_MS);
  expect(await reader.renew(late)).toBe(false);
  await platform.renew(late);
  expect(await reader.renew(late)).toBe(true);
  expect(reader.time.key.kid).toBe(platform.time.key.kid);
});

test('a stolen key is retired by the one that takes its place, and by all that follow', async () => {
  const platform = await loadKeys(folder, start);
  const { plan } = platform;
  const air = platform.air.key.kid;
  const stolen = { key: plan.key, certificate: plan.certificate };
  await retireKeys(folder, ['plan'], start);
  expect(await platform.renew(start)).toBe(true);
  expect(platform.air.key.kid).toBe(air);
  const months = addMs(start, 61 * DAY_MS);
  for (const now of [start, months]) {
    await platform.renew(now);
    const trust = new TrustStore(platform.rootPublic);
    expect(await trust.learn(stolen.certificate)).toBeNull();
    expect(await trust.learn(plan.certificate)).toBeNull();
    expect([trust.isRetired(stolen.key.kid), trust.isRetired(plan.key.kid)]).toEqual([true, false]);
  }
});

test('without the root no key can be retired, and the sentence says so', async () => {
  await loadKeys(folder, start);
  await rm(join(folder, 'root.pem'));
  await expect(retireKeys(folder, ['air'], start)).rejects.toThrow(/keys\/root\.pem/);
});

test('a root brought back from another platform is refused, and no key is made by it', async () => {
  const first = await loadKeys(folder, start);
  await writeFile(join(folder, 'root.pem'), writeSigningKey(generateSigningKey()));
  for (const act of [
    async () => await loadKeys(folder, start),
    async () => await first.renew(addMs(start, 61 * DAY_MS)),
    async () => await retireKeys(folder, ['air'], start),
  ]) {
    await expect(act()).rejects.toThrow(/keys\/root\.pem/);
  }
  await rm(join(folder, 'root.pem'));
  const again = await loadKeys(folder, start);
  expect(again.rootPublic).toBe(first.rootPublic);
  expect(again.air.key.kid).toBe(first.air.key.kid);
});
