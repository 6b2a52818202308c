import { once } from 'node:events';
import { addMs, deviceTopic, fromUnixMs, REVOKED_TOPIC } from '@loalang/shared';
import { makeToken } from '@loalang/shared/signing';
import type { IClientOptions } from 'mqtt';
import { generate } from 'mqtt-packet';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  AUDIENCE,
  Authority,
  closed,
  deviceId,
  freshToken,
  nextMessage,
  TestVillage,
  type Holder,
} from '../test-village.ts';

let village: TestVillage;

beforeEach(async () => {
  village = await TestVillage.start();
});
afterEach(async () => {
  await village.close();
});

const ID = deviceId(1);
const NOT_AUTHORIZED = 5;
const BAD_LOGIN = 4;
const UNAVAILABLE = 3;

/** The CONNACK code that a sign-in ends with; 0 where it succeeds. */
async function signIn(holder: Holder, options: IClientOptions = {}): Promise<unknown> {
  return village.connect(holder, options).then(
    () => 0,
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );
}

async function tokenFor(holder: Holder, audience: string, offsetMs = 0): Promise<string> {
  const now = addMs(fromUnixMs(Date.now()), offsetMs);
  return makeToken(holder.key, { id: holder.id, audience, now });
}

describe('a receiver signs in', () => {
  let device: Holder;

  beforeEach(async () => {
    await village.platform();
    device = await village.authority.issue(ID, 'device');
  });

  test('with its credential and a fresh token', async () => {
    expect(await signIn(device)).toBe(0);
    expect(village.broker.snapshot().sessions).toEqual({ device: 1, platform: 1, time: 0 });
  });

  test('with a token only once', async () => {
    const password = await freshToken(device);
    expect(await signIn(device, { password })).toBe(0);
    expect(await signIn(device, { password })).toBe(BAD_LOGIN);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ replayed: 1 });
  });

  test.each([
    ['nothing at all', { username: '', password: '' }, { malformed: 1 }],
    ['a password that is no token', { password: 'secret' }, { malformed: 1 }],
    ['a user name that is no credential', { username: 'admin' }, { malformed: 1 }],
  ])('not with %s', async (_, options, refusedSignIns) => {
    expect(await signIn(device, options)).toBe(BAD_LOGIN);
    expect(village.broker.snapshot().refusedSignIns).toEqual(refusedSignIns);
  });

  test('not without a login', async () => {
    const socket = await village.open();
    socket.write(generate({ cmd: 'connect', clientId: ID, clean: true, keepalive: 60 }));
    socket.resume();
    await once(socket, 'close');
    expect(village.broker.snapshot().refusedSignIns).toEqual({ unsigned: 1 });
  });

  test('not with a token for another broker', async () => {
    expect(await signIn(device, { password: await tokenFor(device, 'another') })).toBe(BAD_LOGIN);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ 'wrong-device': 1 });
  });

  test.each([
    ['that has expired', -120_000],
    ['of the future', 120_000],
  ])('not with a token %s', async (_, offsetMs) => {
    expect(await signIn(device, { password: await tokenFor(device, AUDIENCE, offsetMs) })).toBe(BAD_LOGIN);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ expired: 1 });
  });

  test('not with a token of another receiver', async () => {
    const other = await village.authority.issue(deviceId(2), 'device');
    expect(await signIn(device, { password: await freshToken(other) })).toBe(BAD_LOGIN);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ 'bad-signature': 1 });
  });

  test('not under the client id of another', async () => {
    expect(await signIn(device, { clientId: deviceId(2) })).toBe(NOT_AUTHORIZED);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ 'wrong-client-id': 1 });
  });

  test('not with an expired credential', async () => {
    expect(await signIn(await village.authority.issue(ID, 'device', -1))).toBe(BAD_LOGIN);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ expired: 1 });
  });

  test('not with a credential of another root', async () => {
    const foreign = await Authority.create();
    expect(await signIn(await foreign.issue(ID, 'device'))).toBe(BAD_LOGIN);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ 'bad-signature': 1 });
  });

  test('and takes the place of its former connection', async () => {
    const former = await village.connect(device);
    const isClosed = closed(former);
    expect(await signIn(device)).toBe(0);
    await isClosed;
    expect(village.broker.snapshot().sessions.device).toBe(1);
  });

  test('and gets a fresh session where it asks for a lasting one', async () => {
    const first = await village.connect(device, { clean: false });
    await first.subscribeAsync(deviceTopic(ID, 'plan'), { qos: 1 });
    await first.endAsync();
    const second = await village.connect(device, { clean: false });
    expect(second.connected).toBe(true);
    const granted = await second.subscribeAsync(deviceTopic(ID, 'now'), { qos: 1 });
    expect(granted.map(({ topic }) => topic)).toEqual([deviceTopic(ID, 'now')]);
  });
});

describe('the list of revoked ids', () => {
  test('must be known before a receiver is let in, but not the platform', async () => {
    const platform = await village.connect(await village.authority.issue('platform', 'platform'));
    const device = await village.authority.issue(ID, 'device');
    expect(await signIn(device)).toBe(UNAVAILABLE);
    await platform.publishAsync(REVOKED_TOPIC, await village.authority.revoke(1, []), {
      qos: 1,
      retain: true,
    });
    expect(await signIn(device)).toBe(0);
  });

  test('keeps out whom it names', async () => {
    await village.platform([ID]);
    expect(await signIn(await village.authority.issue(ID, 'device'))).toBe(NOT_AUTHORIZED);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ revoked: 1 });
  });

  test('throws out whom it comes to name, and nobody else', async () => {
    const platform = await village.platform();
    const [revoked, other] = [await village.device(1), await village.device(2)];
    const isClosed = closed(revoked);
    await platform.publishAsync(REVOKED_TOPIC, await village.authority.revoke(2, [ID]), {
      qos: 1,
      retain: true,
    });
    await isClosed;
    await other.publishAsync(deviceTopic(deviceId(2), 'status'), 'still here', { qos: 1 });
    expect(village.broker.snapshot().sessions).toEqual({ device: 1, platform: 1, time: 0 });
  });

  test('may name a key: another one signs in under the same id, the first is thrown out and stays out', async () => {
    const platform = await village.platform();
    const broken = await village.authority.issue(ID, 'device');
    const former = await village.connect(broken);
    const isClosed = closed(former);
    const list = await village.authority.revoke(2, [broken.key.kid]);
    await platform.publishAsync(REVOKED_TOPIC, list, { qos: 1, retain: true });
    await isClosed;
    expect(await signIn(broken)).toBe(NOT_AUTHORIZED);
    expect(await signIn(await village.authority.issue(ID, 'device'))).toBe(0);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ revoked: 1 });
  });

  test('never goes back to an older version, whoever publishes it', async () => {
    const platform = await village.platform();
    const newer = await village.authority.revoke(3, [ID]);
    await platform.publishAsync(REVOKED_TOPIC, newer, { qos: 1, retain: true });
    const older = await village.authority.revoke(2, []);
    await platform.publishAsync(REVOKED_TOPIC, older, { qos: 1, retain: true });
    expect(await signIn(await village.authority.issue(ID, 'device'))).toBe(NOT_AUTHORIZED);
    const reader = await village.device(2);
    const message = nextMessage(reader);
    await reader.subscribeAsync(REVOKED_TOPIC, { qos: 1 });
    expect(String((await message).payload)).toBe(newer);
  });

  test('is kept with its youngest signature', async () => {
    const platform = await village.platform();
    const reader = await village.device(2);
    const first = nextMessage(reader);
    await reader.subscribeAsync(REVOKED_TOPIC, { qos: 1 });
    await first;
    const again = await village.authority.revoke(1, []);
    const second = nextMessage(reader);
    await platform.publishAsync(REVOKED_TOPIC, again, { qos: 1, retain: true });
    expect((await second).payload.toString()).toBe(again);
  });

  test('is not believed from another root, and its publisher is cut off', async () => {
    const platform = await village.platform();
    const foreign = await Authority.create();
    const isClosed = closed(platform);
    platform.publish(REVOKED_TOPIC, await foreign.revoke(9, [ID]), { qos: 1, retain: true });
    await isClosed;
    expect(await signIn(await village.authority.issue(ID, 'device'))).toBe(0);
    expect(village.broker.snapshot().refusedPublishes).toEqual({ 'revoked-list': 1 });
  });
});

describe('when the key that signs credentials was stolen and is retired', () => {
  test('whoever shows one of its credentials is thrown out as soon as the broker learns it, and stays out', async () => {
    const { authority } = village;
    const platform = await village.platform();
    const device = await authority.issue(ID, 'device');
    const thief = await authority.issue('thief', 'platform');
    const sessions = [platform, await village.connect(device), await village.connect(thief)];
    const areClosed = sessions.map(closed);
    await authority.retireKey();
    await village.connect(await authority.issue('platform', 'platform'));
    await Promise.all(areClosed);
    expect(village.broker.snapshot().sessions).toEqual({ device: 0, platform: 1, time: 0 });
    for (const holder of [device, thief]) expect(await signIn(holder)).toBe(BAD_LOGIN);
    expect(village.broker.snapshot().refusedSignIns).toEqual({ 'key-retired': 2 });
    expect(await signIn(await authority.issue(ID, 'device'))).toBe(0);
  });

  test('a list of revoked ids by the thief counts no more', async () => {
    const { authority } = village;
    const stolen = await authority.revoke(9, [ID]);
    await authority.retireKey();
    const platform = await village.platform();
    const isClosed = closed(platform);
    platform.publish(REVOKED_TOPIC, stolen, { qos: 1, retain: true });
    await isClosed;
    expect(await signIn(await authority.issue(ID, 'device'))).toBe(0);
  });

  test('a list by which the thief shut out everybody for ever gives way to the platform’s next', async () => {
    const { authority } = village;
    const platform = await village.platform();
    const isClosed = closed(platform);
    const stolen = await authority.revoke(1_000_000, ['platform', ID]);
    platform.publish(REVOKED_TOPIC, stolen, { qos: 1, retain: true });
    await isClosed;
    expect(await signIn(await authority.issue('platform', 'platform'))).toBe(NOT_AUTHORIZED);
    await authority.retireKey();
    await village.platform([deviceId(3)]);
    expect(await signIn(await authority.issue(ID, 'device'))).toBe(0);
    expect(await signIn(await authority.issue(deviceId(3), 'device'))).toBe(NOT_AUTHORIZED);
  });
});
