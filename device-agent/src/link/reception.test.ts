import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromUnixMs } from '@loalang/shared';
import { generateSigningKey, signJws, TrustStore } from '@loalang/shared/signing';
import { heldNow, heldPlan, Ledger } from '../store/index.ts';
import { Authority, DEVICE_ID, OTHER_ID } from '../testing/authority.ts';
import { Reception } from './reception.ts';

const now = fromUnixMs(1_790_000_000_000);
const { kid } = generateSigningKey();
let folder: string;
let authority: Authority;
let ledger: Ledger;
let reception: Reception;
let told: boolean[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-reception-'));
  authority = await Authority.make(now);
  ({ ledger } = await Ledger.open(join(folder, 'journal')));
  told = [];
  const trust = new TrustStore(authority.root.public);
  const ignore = (): void => undefined;
  reception = new Reception({
    deviceId: DEVICE_ID,
    kid,
    trust,
    ledger,
    plan: heldPlan(folder, trust, ignore),
    now: heldNow(folder, trust, ignore),
    mediaNow: () => now,
    hasSignedTime: () => true,
    onPlan: ignore,
    onNow: ignore,
    onCommand: ignore,
    onAck: () => Promise.resolve(null),
    onClockReply: () => null,
    onRevoked: (isRevoked) => told.push(isRevoked),
  });
});

afterEach(async () => {
  await ledger.close();
  await rm(folder, { recursive: true, force: true });
});

const list = (version: number, ids: readonly string[]): object => ({
  type: 'revoked',
  version,
  issuedAt: now,
  ids,
});
const take = async (jws: string) => await reception.take({ kind: 'revoked', jws, receivedUs: 0 });

test('a list of revoked ids is taken where it is not older, and names a receiver by its id or its key', async () => {
  const lists = [list(2, [OTHER_ID]), list(2, [OTHER_ID]), list(1, []), list(3, [DEVICE_ID]), list(4, [kid])];
  const verdicts: unknown[] = [];
  for (const each of lists) verdicts.push(await take(await authority.sign('credential', each)));
  expect(verdicts).toEqual([null, null, 'stale', null, null]);
  expect(told).toEqual([false, false, true, true]);
});

test('a list of a thief, numbered as if it were the last for ever, gives way once its key is retired', async () => {
  const stolen = await authority.sign('credential', list(1_000_000, [DEVICE_ID]));
  expect(await take(stolen)).toBeNull();
  const { key, certificate } = await authority.certified('credential', now, { retiresBefore: now });
  expect(await take(await signJws(list(2, []), key, certificate))).toBeNull();
  expect(told).toEqual([true, false]);
  expect(await take(stolen)).toBe('key-retired');
  expect(told).toEqual([true, false]);
});
