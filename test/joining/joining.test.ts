import { readFile } from 'node:fs/promises';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Agent } from '@loalang/device-agent';
import { loadKeys } from '@loalang/scheduler';
import { addMs, deviceTopic, type Device, type Person } from '@loalang/shared';
import { generateSigningKey, makeToken, readSigningKey, signJws } from '@loalang/shared/signing';
import { heardCodes, isHeard, type HeardCode } from './heard-code.ts';
import { NAME, Station } from './station.ts';

const TWO_YEARS_MS = 2 * 365 * 86_400_000;
const LOOK_EVERY_MS = 100;

let station: Station;
let officer: Person;

beforeEach(async () => {
  station = await Station.start();
  officer = await station.officer();
});
afterEach(() => station.close());

/** Resolves with what `look` finds, looked at again and again; rejects after the deadline. */
async function until<T>(what: string, look: () => Promise<T | null>, withinMs = 40_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`did not happen in ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** The code on a receiver's disk, once the platform knows that it waits. */
async function shownCode(disk: string): Promise<string> {
  return await until(`${disk} shows a code`, async () => {
    const text = await readFile(station.file(disk, 'join-code'), 'utf8').catch(() => null);
    return text === null ? null : text.trim();
  });
}

async function deviceOf(id: string): Promise<Device | undefined> {
  const { devices } = await station.scheduler.broadcasts.today(officer);
  return devices.find((device) => device.id === id);
}

/** The receiver as the console shows it, once it has spoken for itself after a moment. */
async function online(id: string, since: number): Promise<Device> {
  return await until(`${id} is online`, async () => {
    const device = await deviceOf(id);
    return device !== undefined && (device.lastSeenAt ?? 0) > since ? device : null;
  });
}

async function add(code: string, number: number): Promise<string> {
  const by = { person: officer, address: 'test' };
  const place = { code, unitId: 'tong-cai', number, name: 'Nhà văn hóa' };
  return (await station.scheduler.enrolment.add(by, place)).id;
}

/** A member with this disk. */
async function member(
  disk: string,
  number: number,
  onWiped?: () => void,
): Promise<{ agent: Agent; id: string }> {
  const agent = await station.startAgent(disk, `S-${number}`, onWiped);
  const since = station.scheduler.clock.now();
  const id = await add(await shownCode(disk), number);
  await online(id, since);
  return { agent, id };
}

/** Resolves when its owner is told that a receiver is to begin anew. */
function wiping(): { told: Promise<void>; tell: () => void } {
  let tell = (): void => undefined;
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { told, tell: () => tell() };
}

test('a new receiver reads out its code, and joins when an officer has typed what was heard', async () => {
  const { enrolment, clock } = station.scheduler;
  const agent = await station.startAgent('new', 'S-4711');
  const heard = await until<HeardCode>(
    'a whole code is heard',
    async () => (await heardCodes(station.played('new'))).at(0) ?? null,
  );
  expect(heard.code).toBe(await shownCode('new'));
  expect(Math.min(...heard.likeness)).toBeGreaterThan(0.9);
  expect(Math.min(...heard.margin)).toBeGreaterThan(0.3);
  const by = { person: officer, address: 'test' };
  expect(await enrolment.find(by, heard.code)).toMatchObject({ model: 'bo mạch thử', serial: 'S-4711' });
  const since = clock.now();
  const id = await add(heard.code, 4);
  const device = await online(id, since);
  expect(device).toMatchObject({ unitName: 'Thôn Tông Cại', number: 4, state: 'ready' });
  expect(agent.deviceId).toBe(id);
  await station.stopAgent(agent);
  expect(await isHeard(station.played('new'), 'admitted')).toBe(true);
  await expect(readFile(station.file('new', 'join-code'))).rejects.toMatchObject({ code: 'ENOENT' });
}, 120_000);

test('a broken board is exchanged: the new one has its place at once, the old one is out and forgets', async () => {
  const old = wiping();
  const { id } = await member('old', 1, old.tell);
  await station.startAgent('spare', 'S-spare');
  const code = await shownCode('spare');
  const since = station.scheduler.clock.now();
  const by = { person: officer, address: 'test' };
  const before = station.broker.snapshot().refusedSignIns['revoked'] ?? 0;
  await station.scheduler.enrolment.exchange(by, id, code);
  await old.told;
  expect(station.broker.snapshot().refusedSignIns['revoked'] ?? 0).toBeGreaterThan(before);
  const device = await online(id, since);
  expect(device).toMatchObject({ number: 1, state: 'ready' });
}, 120_000);

test('a receiver that leaves service confirms, forgets everything and waits as a new board', async () => {
  const gone = wiping();
  const { agent, id } = await member('leaving', 2, gone.tell);
  const key = await readFile(station.file('leaving', 'own-key.pem'), 'utf8');
  const retired = await station.scheduler.enrolment.retire(officer, id);
  expect(retired).toEqual({ outcome: 'wiped' });
  await gone.told;
  expect(await deviceOf(id)).toBeUndefined();
  await station.stopAgent(agent);
  await station.startAgent('leaving', 'S-2');
  const code = await shownCode('leaving');
  expect(await readFile(station.file('leaving', 'own-key.pem'), 'utf8')).not.toBe(key);
  expect(await add(code, 2)).not.toBe(id);
}, 120_000);

/** As somebody who has stolen the platform's keys: signs in at the broker and tells a receiver to forget everything. */
async function tellToForget(id: string, disk: string): Promise<void> {
  const now = station.scheduler.clock.now();
  const { credential, air } = await loadKeys(station.keysFolder, now);
  const key = generateSigningKey();
  const expiresAt = addMs(now, 60_000);
  const grant = {
    type: 'credential',
    id: 'thief',
    role: 'platform',
    key: key.public,
    issuedAt: now,
    expiresAt,
  };
  const client = await connectAsync(station.brokerUrl, {
    clientId: 'thief',
    username: await signJws(grant, credential.key, credential.certificate),
    password: await makeToken(key, { id: 'thief', audience: NAME, now }),
    reconnectPeriod: 0,
  });
  const own = readSigningKey(await readFile(station.file(disk, 'own-key.pem'), 'utf8'));
  const act = { kind: 'wipe', key: own.public };
  const command = { type: 'command', device: id, id: 'ab'.repeat(16), issuedAt: now, expiresAt, act };
  const jws = await signJws(command, air.key, air.certificate);
  await client.publishAsync(deviceTopic(id, 'cmd'), jws, { qos: 1 });
  await client.endAsync();
}

test('one that a thief of the keys tells to forget everything asks the platform, and stays', async () => {
  const forgotten = vi.fn();
  const { agent, id } = await member('told', 6, forgotten);
  const join = vi.spyOn(station.scheduler.enrolment, 'join');
  await tellToForget(id, 'told');
  await until('it has asked', async () => join.mock.settledResults.at(0) ?? null);
  await station.stopAgent(agent);
  expect(join.mock.settledResults).toMatchObject([{ type: 'fulfilled', value: { state: 'joined' } }]);
  expect(forgotten).not.toHaveBeenCalled();
  await station.startAgent('told', 'S-6');
  expect(await online(id, station.scheduler.clock.now())).toMatchObject({ number: 6 });
}, 120_000);

test('one that was in a cupboard for two years comes back by itself', async () => {
  const { agent, id } = await member('cupboard', 3);
  await station.stopAgent(agent);
  await station.letPass(TWO_YEARS_MS);
  const since = station.scheduler.clock.now();
  await station.startAgent('cupboard', 'S-3');
  expect(await online(id, since)).toMatchObject({ number: 3 });
}, 120_000);

test('one that left service while it was in the cupboard is told so, and its receipt is kept', async () => {
  const gone = wiping();
  const { agent, id } = await member('forgotten', 5, gone.tell);
  await station.stopAgent(agent);
  expect(await station.scheduler.enrolment.retire(officer, id)).toEqual({ outcome: 'unreached' });
  await station.letPass(TWO_YEARS_MS);
  const again = await station.startAgent('forgotten', 'S-5', gone.tell);
  await gone.told;
  await station.stopAgent(again);
  await station.startAgent('forgotten', 'S-5');
  expect(await shownCode('forgotten')).toMatch(/^\d{8}$/);
}, 120_000);
