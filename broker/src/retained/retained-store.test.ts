import { once } from 'node:events';
import { deviceTopic, REVOKED_TOPIC } from '@loalang/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generate } from 'mqtt-packet';
import { connectPacket, deviceId, nextMessage, PacketReader, TestVillage, until } from '../test-village.ts';
import { defaultLimits } from '../limits/bounds.ts';
import { RetainedStore } from './retained-store.ts';

let village: TestVillage;

beforeEach(async () => {
  village = await TestVillage.start();
});
afterEach(async () => {
  await village.close();
});

test('messages are found by exact topic and by one level of any, the last one of each topic', async () => {
  const store = new RetainedStore(defaultLimits, unexpected);
  const topics = ['a/1/x', 'a/2/x', 'a/2/y', 'a/2/x/z'];
  for (const topic of topics) await store.storeRetained({ topic, payload: 'old' });
  await store.storeRetained({ topic: 'a/1/x', payload: 'new' });
  await store.storeRetained({ topic: 'a/2/y', payload: '' });
  expect(store.find('a/1/x')).toEqual([{ topic: 'a/1/x', payload: 'new' }]);
  expect(store.find('a/2/y')).toEqual([]);
  expect(store.find('a/+/x').map(({ topic }) => topic)).toEqual(['a/1/x', 'a/2/x']);
  expect(store.find('+/+/+/z').map(({ topic }) => topic)).toEqual(['a/2/x/z']);
});

function unexpected(): void {
  throw new Error('there is room');
}

test('what finds no room is not kept, nor what it was to replace; the list of revoked ids always is', async () => {
  let refused = 0;
  const limits = { ...defaultLimits, retainedMessages: 3, retainedBytes: 100 };
  const store = new RetainedStore(limits, () => (refused += 1));
  const topics = (): string[] => store.find('+/+').map(({ topic }) => topic);
  await store.storeRetained({ topic: 'a/1', payload: 'x'.repeat(20) });
  await store.storeRetained({ topic: 'a/2', payload: Buffer.alloc(20) });
  expect([store.count, store.bytes]).toEqual([2, 46]);
  await store.storeRetained({ topic: 'a/1', payload: 'x'.repeat(90) });
  expect([topics(), refused, store.bytes]).toEqual([['a/2'], 1, 23]);
  for (const topic of ['a/3', 'a/4', 'a/5']) await store.storeRetained({ topic, payload: 'x' });
  expect([topics(), refused]).toEqual([['a/2', 'a/3', 'a/4'], 2]);
  await store.storeRetained({ topic: 'a/4', payload: 'as much as before' });
  await store.storeRetained({ topic: REVOKED_TOPIC, payload: 'x'.repeat(200) });
  expect([store.count, refused]).toEqual([4, 2]);
  for (const topic of [...topics(), REVOKED_TOPIC]) await store.storeRetained({ topic, payload: '' });
  expect([store.count, store.bytes]).toEqual([0, 0]);
});

test('the platform finds the presence of everybody, and a will that was left', async () => {
  const platform = await village.platform();
  const topic = deviceTopic(deviceId(1), 'presence');
  const gone = await village.connect(await village.authority.issue(deviceId(1), 'device'), {
    will: { topic, payload: Buffer.from('gone'), qos: 1, retain: true },
  });
  await gone.publishAsync(topic, 'here', { qos: 1, retain: true });
  const other = await village.device(2);
  await other.publishAsync(deviceTopic(deviceId(2), 'presence'), 'here too', { qos: 1, retain: true });
  gone.end(true);
  await until(() => village.broker.snapshot().sessions.device === 1);
  const found = new Map<string, string>();
  platform.on('message', (from, payload) => found.set(from, payload.toString()));
  await platform.subscribeAsync('ll/v1/dev/+/presence', { qos: 1 });
  await until(() => found.size === 2);
  expect(found).toEqual(
    new Map([
      [topic, 'gone'],
      [deviceTopic(deviceId(2), 'presence'), 'here too'],
    ]),
  );
});

test('a receiver gets its retained plan at QoS 1 and acknowledges it', async () => {
  const platform = await village.platform();
  const topic = deviceTopic(deviceId(1), 'plan');
  await platform.publishAsync(topic, 'plan', { qos: 1, retain: true });
  const client = await village.device(1);
  const message = nextMessage(client);
  await client.subscribeAsync(topic, { qos: 1 });
  expect((await message).payload.toString()).toBe('plan');
  await client.publishAsync(deviceTopic(deviceId(1), 'status'), 'still here', { qos: 1 });
  expect(client.connected).toBe(true);
});

test('stray acknowledgements of every kind break nothing', async () => {
  await village.platform();
  const socket = await village.open();
  const reader = new PacketReader(socket);
  socket.write(generate(await connectPacket(await village.authority.issue(deviceId(1), 'device'))));
  await reader.next('connack');
  for (const cmd of ['puback', 'pubrec', 'pubrel', 'pubcomp'] as const) {
    socket.write(generate({ cmd, messageId: 7 }));
  }
  socket.write(generate({ cmd: 'pingreq' }));
  await reader.next('pingresp');
  socket.write(generate({ cmd: 'disconnect' }));
  await once(socket, 'close');
});

test('a plan that finds no room reaches the receiver that is there, and whoever has to see to it', async () => {
  await village.close();
  village = await TestVillage.start({ limits: { retainedBytes: 1_000 } });
  const platform = await village.platform();
  const client = await village.device(1);
  const topic = deviceTopic(deviceId(1), 'plan');
  await client.subscribeAsync(topic, { qos: 1 });
  const message = nextMessage(client);
  await platform.publishAsync(topic, 'x'.repeat(2_000), { qos: 1, retain: true });
  expect((await message).payload.byteLength).toBe(2_000);
  expect(village.broker.snapshot()).toMatchObject({
    limitsHit: { 'retained-full': 1 },
    retained: { count: 1 },
  });
});
