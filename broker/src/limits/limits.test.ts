import { once } from 'node:events';
import type { Socket } from 'node:net';
import { deviceTopic, LoaLangError } from '@loalang/shared';
import { generate } from 'mqtt-packet';
import { afterEach, expect, test } from 'vitest';
import type { BrokerOptions } from '../index.ts';
import { closed, connectPacket, deviceId, PacketReader, TestVillage, until } from '../test-village.ts';

let village: TestVillage;

async function start(options: Partial<BrokerOptions> = {}): Promise<void> {
  village = await TestVillage.start(options);
}

afterEach(async () => {
  await village.close();
});

/** Resolves when the broker has closed the connection. */
async function cutOff(socket: Socket): Promise<void> {
  socket.resume();
  await once(socket, 'close');
}

test.each([
  ['garbage', Buffer.from('\u0000\u0001\u0002garbage'), 'not-connect'],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'not-connect'],
  [
    'a publish before sign-in',
    generate({ cmd: 'publish', topic: 'x', payload: 'x', qos: 0, dup: false, retain: false }),
    'not-connect',
  ],
  ['a CONNECT that announces 1 MiB', Buffer.from([0x10, 0x80, 0x80, 0x40]), 'too-long'],
  ['a length without an end', Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01]), 'malformed'],
])('%s is cut off at once', async (_, bytes, reason) => {
  await start();
  const socket = await village.open();
  socket.write(bytes);
  await cutOff(socket);
  expect(village.broker.snapshot().limitsHit).toEqual({ [reason]: 1 });
});

test('a CONNECT full of nonsense is cut off', async () => {
  await start();
  const socket = await village.open();
  socket.write(Buffer.concat([Buffer.from([0x10, 100]), Buffer.alloc(100, 0xff)]));
  await cutOff(socket);
  expect(village.broker.snapshot().sessions).toEqual({ device: 0, platform: 0, time: 0 });
});

test.each([
  ['silent', []],
  ['half a CONNECT long', [0x10, 0x20, 0x00]],
])('a connection that stays %s is closed after the time for signing in', async (_, bytes) => {
  await start({ limits: { signInMs: 50 } });
  const socket = await village.open();
  if (bytes.length > 0) socket.write(Buffer.from(bytes));
  await cutOff(socket);
  await until(() => village.broker.snapshot().connections === 0);
  expect(village.broker.snapshot().limitsHit).toEqual({ 'sign-in-time': 1 });
});

test('an address has so many connections and no more, and gets them back', async () => {
  await start({ limits: { connectionsFromLoopback: 2 } });
  const [first] = [await village.open(), await village.open()];
  await cutOff(await village.open());
  expect(village.broker.snapshot().limitsHit).toEqual({ 'address-full': 1 });
  first?.destroy();
  await until(() => village.broker.snapshot().connections === 1);
  const later = await village.open();
  await until(() => village.broker.snapshot().connections === 2);
  expect(later.destroyed).toBe(false);
});

test('packets of a receiver are bounded, and those of the platform less so', async () => {
  await start();
  const platform = await village.platform();
  const client = await village.device(1);
  const topic = deviceTopic(deviceId(1), 'proof');
  await client.publishAsync(topic, Buffer.alloc(250 * 1024), { qos: 1 });
  await platform.publishAsync(deviceTopic(deviceId(1), 'plan'), Buffer.alloc(2_000_000), {
    qos: 1,
    retain: true,
  });
  const isClosed = closed(client);
  client.publish(topic, Buffer.alloc(256 * 1024), { qos: 1 });
  await isClosed;
  expect(village.broker.snapshot().limitsHit).toEqual({ 'too-long': 1 });
  expect(platform.connected).toBe(true);
});

test('a receiver that sends faster than it may is read no faster, and loses nothing', async () => {
  await start({ limits: { devicePacketsPerSecond: 25 } });
  const platform = await village.platform();
  await platform.subscribeAsync(deviceTopic('+', 'lateness'));
  const heard: string[] = [];
  platform.on('message', (_, payload) => heard.push(payload.toString()));
  const client = await village.device(1);
  const sent = Array.from({ length: 130 }, (_, index) => String(index));
  const before = performance.now();
  for (const payload of sent) client.publish(deviceTopic(deviceId(1), 'lateness'), payload);
  await until(() => heard.length === sent.length);
  // A hundred at once, then 25 a second.
  expect(performance.now() - before).toBeGreaterThan(900);
  expect(heard).toEqual(sent);
  expect(village.broker.snapshot().limitsHit['read-rate']).toBeGreaterThan(0);
  expect(client.connected).toBe(true);
});

test('two thousand plans at once are held back by nothing', async () => {
  await start();
  const platform = await village.platform();
  const plans = Array.from({ length: 2_000 }, async (_, index) =>
    platform.publishAsync(deviceTopic(deviceId(index), 'plan'), Buffer.alloc(10_000), {
      qos: 1,
      retain: true,
    }),
  );
  await Promise.all(plans);
  // Aedes acknowledges before it stores.
  await until(() => village.broker.snapshot().retained.count === 2_001);
  expect(village.broker.snapshot().limitsHit).toEqual({});
});

test('whoever sits there silent gives way', async () => {
  await start({ limits: { signingIn: 5 } });
  await village.platform();
  const silent: Socket[] = [];
  for (let count = 0; count < 5; count += 1) silent.push(await village.open());
  await until(() => village.broker.snapshot().connections === 6);
  const since = performance.now();
  await until(() => performance.now() - since > 1_100);
  const ended = cutOff(silent[0] ?? (await village.open()));
  const device = await village.device(1);
  await ended;
  expect(device.connected).toBe(true);
  expect(village.broker.snapshot()).toMatchObject({ connections: 6, limitsHit: { displaced: 1 } });
});

test(
  'where too much waits for all together, those who read nothing go, and nobody else',
  { timeout: 60_000 },
  async () => {
    await start({ limits: { unsentBytes: 1_000_000 } });
    const platform = await village.platform();
    const frozen = await Promise.all(
      [1, 2, 3, 4].map(async (index) =>
        village.openFrozen(await village.authority.issue(deviceId(index), 'device'), [
          deviceTopic(deviceId(index), 'plan'),
        ]),
      ),
    );
    const healthy = await village.device(5);
    const plan = Buffer.alloc(200_000);
    // Each has less than would be too much for one.
    while (village.broker.snapshot().unsentBytes < 1_500_000) {
      await Promise.all(
        frozen.map(async (_, index) =>
          platform.publishAsync(deviceTopic(deviceId(index + 1), 'plan'), plan, { qos: 1, retain: true }),
        ),
      );
    }
    await until(() => village.broker.snapshot().unsentBytes <= 1_000_000);
    expect(village.broker.snapshot().limitsHit['unsent']).toBeGreaterThan(0);
    expect([healthy.connected, platform.connected]).toEqual([true, true]);
  },
);

test('a topic that is too deep or too long ends the connection, by its own reason', async () => {
  await start();
  await village.platform();
  for (const [index, topic] of ['x/'.repeat(20), `ll/v1/${'x'.repeat(100)}`].entries()) {
    const client = await village.device(index + 1);
    const isClosed = closed(client);
    client.publish(topic, 'x');
    await isClosed;
  }
  expect(village.broker.snapshot()).toMatchObject({
    limitsHit: { 'topic-too-deep': 1 },
    refusedPublishes: { 'topic-too-long': 1 },
  });
});

test('a client that falls silent, or asks to be missed too late, is counted by its reason', async () => {
  await start();
  await village.platform();
  const holder = await village.authority.issue(deviceId(1), 'device');
  for (const keepalive of [1, 121]) {
    const socket = await village.open();
    socket.write(generate({ ...(await connectPacket(holder)), keepalive }));
    await cutOff(socket);
  }
  expect(village.broker.snapshot().limitsHit).toEqual({ keepalive: 1, 'keepalive-too-long': 1 });
});

test('a CONNECT that arrives byte by byte is as good as any', async () => {
  await start();
  await village.platform();
  const socket = await village.open();
  const reader = new PacketReader(socket);
  const bytes = generate(await connectPacket(await village.authority.issue(deviceId(1), 'device')));
  for (const byte of bytes) socket.write(Buffer.from([byte]));
  expect(await reader.next('connack')).toMatchObject({ returnCode: 0 });
});

test.each([
  ['MQTT 5', { protocolVersion: 5 }, 1],
  ['a client without keepalive', { keepalive: 0 }, 6],
  ['a client that would be missed too late', { keepalive: 121 }, 6],
] as const)('%s is told no', async (_, difference, returnCode) => {
  await start();
  await village.platform();
  const socket = await village.open();
  const reader = new PacketReader(socket);
  const connect = await connectPacket(await village.authority.issue(deviceId(1), 'device'));
  socket.write(generate({ ...connect, ...difference }));
  expect(await reader.next('connack')).toMatchObject({ returnCode });
  await cutOff(socket);
});

test('an address that is not ours is one clear error', async () => {
  await start();
  await expect(TestVillage.start({ host: '192.0.2.1' })).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    details: { variable: 'LOALANG_BROKER_HOST' },
  });
});

test('closing ends everybody, frozen or silent, and may be done twice', async () => {
  await start();
  await village.platform();
  const holder = await village.authority.issue(deviceId(1), 'device');
  const sockets = [await village.openFrozen(holder, [deviceTopic(holder.id, 'plan')]), await village.open()];
  await Promise.all([
    village.broker.close(),
    village.broker.close(),
    ...sockets.map(async (socket) => cutOff(socket)),
  ]);
  await village.broker.close();
  expect(village.broker.snapshot()).toMatchObject({ connections: 0, sessions: { device: 0, platform: 0 } });
});

test('a taken port is one clear error', async () => {
  await start();
  const second = TestVillage.start({ port: village.port });
  await expect(second).rejects.toBeInstanceOf(LoaLangError);
  await expect(second).rejects.toMatchObject({ code: 'PORT_TAKEN', details: { port: village.port } });
});

test('the counts can be read by Prometheus', async () => {
  await start();
  await village.platform();
  const text = await village.broker.metricsText();
  expect(text).toContain('loalang_broker_sessions{role="platform"} 1');
  expect(text).toMatch(/^loalang_broker_received_bytes_total [1-9]/m);
});
