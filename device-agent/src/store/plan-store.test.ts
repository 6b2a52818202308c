import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addMs, fromUnixMs } from '@loalang/shared';
import { signJws, TrustStore } from '@loalang/shared/signing';
import { Authority, DEVICE_ID, makePlan, OTHER_ID } from '../testing/authority.ts';
import { heldPlan } from './plan-store.ts';

const now = fromUnixMs(1_790_000_000_000);
let folder: string;
let authority: Authority;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-plan-'));
  authority = await Authority.make(now);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

let refusals: unknown[];

function open(): ReturnType<typeof heldPlan> {
  refusals = [];
  return heldPlan(folder, new TrustStore(authority.root.public), (error) => refusals.push(error));
}

test('a plan that was taken is there after a restart, though its key has expired since', async () => {
  const plan = makePlan(3, now);
  const taken = await open().take(await authority.sign('plan', plan), DEVICE_ID, now);
  expect(taken).toEqual({ ok: true, value: { kind: 'taken', payload: plan } });
  expect(await open().load(DEVICE_ID)).toEqual(plan);
});

test('the same plan again is no news, an older one is refused', async () => {
  const held = open();
  const jws = await authority.sign('plan', makePlan(3, now));
  await held.take(jws, DEVICE_ID, now);
  expect(await held.take(jws, DEVICE_ID, now)).toEqual({ ok: true, value: { kind: 'known' } });
  const older = await authority.sign('plan', makePlan(2, now));
  expect(await held.take(older, DEVICE_ID, now)).toEqual({ ok: false, reason: 'stale' });
});

test('a plan by a key that has expired is refused, and any plan while the hour is not known', async () => {
  const jws = await authority.sign('plan', makePlan(3, now));
  expect(await open().take(jws, DEVICE_ID, addMs(now, 2 * 86_400_000))).toEqual({
    ok: false,
    reason: 'key-expired',
  });
  expect(await open().take(jws, DEVICE_ID, null)).toEqual({ ok: false, reason: 'stale' });
});

test('what was tampered with on the disk, damaged, or belongs to another receiver is not loaded', async () => {
  await open().take(await authority.sign('plan', makePlan(3, now)), DEVICE_ID, now);
  expect(await open().load(OTHER_ID)).toBeNull();
  const path = join(folder, 'plan.json');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/"jws":"([^.]+)\.(.)/, '"jws":"$1.x$2'));
  expect(await open().load(DEVICE_ID)).toBeNull();
  await writeFile(path, text.slice(0, 40));
  expect(await open().load(DEVICE_ID)).toBeNull();
});

test('where the disk takes nothing a plan counts all the same, and is kept when it comes again', async () => {
  const blocked = join(folder, 'plan.json.new');
  await mkdir(blocked);
  const held = open();
  const jws = await authority.sign('plan', makePlan(3, now));
  expect(await held.take(jws, DEVICE_ID, now)).toMatchObject({ ok: true, value: { kind: 'taken' } });
  expect(held.held).toEqual(makePlan(3, now));
  expect(refusals).toHaveLength(1);
  await rmdir(blocked);
  expect(await held.take(jws, DEVICE_ID, now)).toEqual({ ok: true, value: { kind: 'known' } });
  expect(await open().load(DEVICE_ID)).toEqual(makePlan(3, now));
});

test('a plan by a stolen key, however high its number, gives way to the first by the key that retires it', async () => {
  const held = open();
  await held.take(await authority.sign('plan', makePlan(1_000_000, now)), DEVICE_ID, now);
  const later = addMs(now, 1_000);
  const { key, certificate } = await authority.certified('plan', later, { retiresBefore: later });
  const mine = makePlan(4, later);
  const taken = await held.take(await signJws(mine, key, certificate), DEVICE_ID, later);
  expect(taken).toEqual({ ok: true, value: { kind: 'taken', payload: mine } });
  const again = await authority.sign('plan', makePlan(1_000_001, now));
  expect(await held.take(again, DEVICE_ID, later)).toEqual({ ok: false, reason: 'key-retired' });
  const afterRestart = open();
  expect(await afterRestart.load(DEVICE_ID)).toEqual(mine);
  expect(await afterRestart.take(again, DEVICE_ID, later)).toEqual({ ok: false, reason: 'key-retired' });
});
