import { deviceTopic, REVOKED_TOPIC, streamTopic } from '@loalang/shared';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { closed, deviceId, TestVillage, until } from '../test-village.ts';
import { LogLines } from '../test-log.ts';

let village: TestVillage;

afterEach(async () => {
  await village.close();
});

test('a second sign-in of the same id replaces the first, and is counted and told', async () => {
  const log = new LogLines();
  village = await TestVillage.start({ log: log.logger });
  await village.platform();
  const holder = await village.authority.issue(deviceId(1), 'device');
  const first = await village.connect(holder);
  const isClosed = closed(first);
  const second = await village.connect(holder);
  await isClosed;
  expect(second.connected).toBe(true);
  expect(village.broker.snapshot()).toMatchObject({ replacedSessions: 1, sessions: { device: 1 } });
  expect(log.find('a second sign-in')).toMatchObject({
    id: deviceId(1),
    before: 'loopback',
    after: 'loopback',
  });
});

test('a sign-in after the end of the first replaces nobody', async () => {
  village = await TestVillage.start();
  await village.platform();
  const holder = await village.authority.issue(deviceId(1), 'device');
  const first = await village.connect(holder);
  await first.endAsync();
  await until(() => village.broker.snapshot().sessions.device === 0);
  await village.connect(holder);
  expect(village.broker.snapshot().replacedSessions).toBe(0);
});

test(
  'two hundred sessions are closed within two seconds of their revocation, frozen ones too',
  { timeout: 60_000 },
  async () => {
    village = await TestVillage.start();
    const platform = await village.platform();
    const ids = Array.from({ length: 200 }, (_, index) => deviceId(index + 1));
    const stream = streamTopic('0123456789abcdef0123456789abcdef');
    const sockets = await Promise.all(
      ids.map(async (id) =>
        village.openFrozen(await village.authority.issue(id, 'device'), [stream, deviceTopic(id, 'plan')]),
      ),
    );
    const spared = await village.device(1_000);
    const gone = sockets.map(async (socket) => {
      socket.resume();
      await once(socket, 'close');
    });
    const asked = performance.now();
    const list = await village.authority.revoke(2, ids);
    await platform.publishAsync(REVOKED_TOPIC, list, { qos: 1, retain: true });
    await Promise.all(gone);
    expect(performance.now() - asked).toBeLessThan(2_000);
    expect(village.broker.snapshot().sessions.device).toBe(1);
    expect(spared.connected).toBe(true);
  },
);
