import { deviceChannels, deviceTopic, REVOKED_TOPIC, streamTopic, type BrokerRole } from '@loalang/shared';
import type { IClientOptions, MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closed, deviceId, nextMessage, TestClock, TestVillage, type Holder } from '../test-village.ts';

/** The whole table of who may do what, written out, against a real broker. */

const STREAM = streamTopic('0123456789abcdef0123456789abcdef');
const OTHER = deviceId(999);
const WIDE_FILTERS = [
  '#',
  '+/#',
  'll/#',
  'll/v1/#',
  'll/v1/dev/#',
  'll/v1/stream/+',
  'll/v1/stream/#',
  '$SYS/#',
];
const FOREIGN_TOPICS = ['ll/v1/dev', 'll/v2/stream/x', 'other/topic', '$SYS/broker/new', `${STREAM}/x`];

const written: Record<BrokerRole, readonly string[]> = {
  device: ['presence', 'status', 'cmd/result', 'proof', 'clock/req', 'lateness', 'repair'],
  platform: ['plan', 'now', 'cmd', 'proof/ack', 'clock/res', 'repair/res'],
  time: ['clock/res'],
};
const retained = new Set(['presence', 'plan', 'now']);

let village: TestVillage;
let holders = 0;

beforeAll(async () => {
  village = await TestVillage.start();
  await village.platform();
});
afterAll(async () => {
  await village.close();
});

/** A new identity for each attempt: refused publishes end the connection. */
async function newHolder(role: BrokerRole): Promise<Holder> {
  holders += 1;
  return village.authority.issue(role === 'device' ? deviceId(holders) : `${role}-${holders}`, role);
}

async function isPublished(client: MqttClient, topic: string, retain: boolean): Promise<boolean> {
  const payload = topic === REVOKED_TOPIC ? await village.authority.revoke(1, []) : 'x';
  return Promise.race([
    client.publishAsync(topic, payload, { qos: 1, retain }).then(
      () => true,
      () => false,
    ),
    closed(client).then(() => false),
  ]);
}

async function isSubscribed(client: MqttClient, filter: string): Promise<boolean> {
  return client.subscribeAsync(filter, { qos: 1 }).then(
    (granted) => granted.every(({ qos }) => qos < 128),
    () => false,
  );
}

async function isAdmitted(holder: Holder, options: IClientOptions): Promise<boolean> {
  return village.connect(holder, options).then(
    () => true,
    () => false,
  );
}

/** Every topic, from one holder's point of view, with whether it may publish there. */
function topicsOf(role: BrokerRole, id: string, retain: boolean): { topic: string; isAllowed: boolean }[] {
  const own = deviceChannels.map((channel) => ({
    topic: deviceTopic(id, channel),
    isAllowed: written[role].includes(channel) && retained.has(channel) === retain,
  }));
  const others = deviceChannels.map((channel) => ({
    topic: deviceTopic(OTHER, channel),
    isAllowed: role !== 'device' && written[role].includes(channel) && retained.has(channel) === retain,
  }));
  return [
    ...own,
    ...others,
    { topic: STREAM, isAllowed: role === 'platform' && !retain },
    { topic: REVOKED_TOPIC, isAllowed: role === 'platform' && retain },
    ...FOREIGN_TOPICS.map((topic) => ({ topic, isAllowed: false })),
  ];
}

const roles = ['device', 'platform', 'time'] as const;

describe.each(roles)('a %s', (role) => {
  test.each([true, false])(
    'publishes (retained: %s) only where the table says so, and leaves wills there',
    async (retain) => {
      const placeholder = deviceId(998);
      for (const [index, { isAllowed }] of topicsOf(role, placeholder, retain).entries()) {
        const holder = await newHolder(role);
        const id = role === 'device' ? holder.id : placeholder;
        const topic = topicsOf(role, id, retain)[index]?.topic ?? '';
        const client = await village.connect(holder);
        expect({ topic, ok: await isPublished(client, topic, retain) }).toEqual({ topic, ok: isAllowed });
        const payload = topic === REVOKED_TOPIC ? 'a list' : 'x';
        const will = { topic, payload: Buffer.from(payload), qos: 1 as const, retain };
        const isLeft = await isAdmitted(holder, { will });
        expect({ will: topic, ok: isLeft }).toEqual({ will: topic, ok: isAllowed });
      }
    },
  );
});

test('a device subscribes to its own topics, exact streams and the revoked list alone', async () => {
  const holder = await newHolder('device');
  const client = await village.connect(holder);
  const allowed = [
    ...written.platform.map((channel) => `ll/v1/dev/${holder.id}/${channel}`),
    STREAM,
    REVOKED_TOPIC,
  ];
  const refused = [
    ...written.device.map((channel) => `ll/v1/dev/${holder.id}/${channel}`),
    ...deviceChannels.map((channel) => deviceTopic(OTHER, channel)),
    ...deviceChannels.map((channel) => `ll/v1/dev/+/${channel}`),
    ...WIDE_FILTERS,
    `ll/v1/dev/${holder.id}/#`,
    `ll/v1/dev/${holder.id}/+`,
    ...FOREIGN_TOPICS,
  ];
  for (const filter of allowed) expect([filter, await isSubscribed(client, filter)]).toEqual([filter, true]);
  for (const filter of refused) expect([filter, await isSubscribed(client, filter)]).toEqual([filter, false]);
  expect(client.connected).toBe(true);
});

test('a platform subscribes to what receivers write, of all of them, and to the revoked list', async () => {
  const client = await village.connect(await newHolder('platform'));
  const allowed = [...written.device.map((channel) => `ll/v1/dev/+/${channel}`), REVOKED_TOPIC];
  const refused = [
    ...written.platform.map((channel) => `ll/v1/dev/+/${channel}`),
    ...WIDE_FILTERS,
    STREAM,
    ...FOREIGN_TOPICS,
  ];
  for (const filter of allowed) expect([filter, await isSubscribed(client, filter)]).toEqual([filter, true]);
  for (const filter of refused) expect([filter, await isSubscribed(client, filter)]).toEqual([filter, false]);
});

test('a time service subscribes to the clock requests of all receivers and to nothing else', async () => {
  const client = await village.connect(await newHolder('time'));
  const refused = [
    ...deviceChannels.filter((channel) => channel !== 'clock/req').map((channel) => `ll/v1/dev/+/${channel}`),
    ...deviceChannels.map((channel) => deviceTopic(OTHER, channel)),
    ...WIDE_FILTERS,
    STREAM,
    REVOKED_TOPIC,
    ...FOREIGN_TOPICS,
  ];
  expect(await isSubscribed(client, 'll/v1/dev/+/clock/req')).toBe(true);
  for (const filter of refused) expect([filter, await isSubscribed(client, filter)]).toEqual([filter, false]);
});

test('a device hears four streams at a time, and a fifth once it has left one', async () => {
  const client = await village.connect(await newHolder('device'));
  const streams = Array.from({ length: 5 }, (_, index) => streamTopic(String(index).repeat(32)));
  const outcomes: boolean[] = [];
  for (const topic of streams) outcomes.push(await isSubscribed(client, topic));
  expect(outcomes).toEqual([true, true, true, true, false]);
  expect(await isSubscribed(client, streams[0] ?? '')).toBe(true);
  await client.unsubscribeAsync(streams[0] ?? '');
  expect(await isSubscribed(client, streams[4] ?? '')).toBe(true);
});

test('five streams in one request are four', async () => {
  const client = await village.connect(await newHolder('device'));
  const streams = Array.from({ length: 5 }, (_, index) => streamTopic(String(index).repeat(32)));
  await client.subscribeAsync(streams).catch(() => []);
  const publisher = await village.connect(await newHolder('platform'));
  const heard: string[] = [];
  client.on('message', (topic) => heard.push(topic));
  for (const topic of streams) await publisher.publishAsync(topic, 'x', { qos: 1 });
  await client.publishAsync(deviceTopic(client.options.clientId ?? '', 'status'), 'after', { qos: 1 });
  expect(heard).toHaveLength(4);
});

test('QoS 2 is refused in both directions', async () => {
  const holder = await newHolder('device');
  const client = await village.connect(holder);
  const granted = await client.subscribeAsync(deviceTopic(holder.id, 'plan'), { qos: 2 }).then(
    () => true,
    () => false,
  );
  expect(granted).toBe(false);
  const isClosed = closed(client);
  client.publish(deviceTopic(holder.id, 'status'), 'x', { qos: 2 });
  await isClosed;
  expect(village.broker.snapshot().refusedPublishes['qos-2']).toBe(1);
});

test('a device can not make the broker keep more than its presence', async () => {
  const holder = await newHolder('device');
  const client = await village.connect(holder);
  const isClosed = closed(client);
  client.publish(deviceTopic(holder.id, 'presence'), 'x'.repeat(1025), { qos: 1, retain: true });
  await isClosed;
});

test('a device gets its own plan and never that of another', async () => {
  const [one, two] = [await newHolder('device'), await newHolder('device')];
  const [first, second] = [await village.connect(one), await village.connect(two)];
  const platform = await village.connect(await newHolder('platform'));
  await platform.publishAsync(deviceTopic(one.id, 'plan'), 'plan of one', { qos: 1, retain: true });
  const heard: string[] = [];
  for (const client of [first, second])
    client.on('message', (topic, payload) => heard.push(`${topic} ${String(payload)}`));
  await first.subscribeAsync(deviceTopic(one.id, 'plan'), { qos: 1 });
  await second.subscribeAsync(deviceTopic(two.id, 'plan'), { qos: 1 });
  await platform.publishAsync(deviceTopic(two.id, 'plan'), 'plan of two', { qos: 1, retain: true });
  await nextMessage(second);
  expect(heard).toEqual([
    `${deviceTopic(one.id, 'plan')} plan of one`,
    `${deviceTopic(two.id, 'plan')} plan of two`,
  ]);
});

test('rights end with the credential, in the middle of a session', async () => {
  const clock = new TestClock();
  const other = await TestVillage.start({ clock });
  try {
    const platform = await other.platform();
    const holder = await other.authority.issue(deviceId(1), 'device', 60_000);
    const client = await other.connect(holder);
    const heard: string[] = [];
    client.on('message', (_, payload) => heard.push(payload.toString()));
    await client.subscribeAsync(deviceTopic(holder.id, 'plan'), { qos: 1 });
    await platform.publishAsync(deviceTopic(holder.id, 'plan'), 'in time', { qos: 1, retain: true });
    await client.publishAsync(deviceTopic(holder.id, 'status'), 'in time', { qos: 1 });
    clock.advance(61_000);
    await platform.publishAsync(deviceTopic(holder.id, 'plan'), 'too late', { qos: 1, retain: true });
    expect(await isSubscribed(client, STREAM)).toBe(false);
    expect(heard).toEqual(['in time']);
    const isClosed = closed(client);
    client.publish(deviceTopic(holder.id, 'status'), 'too late', { qos: 1 });
    await isClosed;
    expect(other.broker.snapshot().refusedPublishes).toEqual({ 'signed-out': 1 });
  } finally {
    await other.close();
  }
});
