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
  expect(village.broker.snapshot().refusedConnections).toEqual({ [reason]: 1 });
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
});

test('an address has so many connections and no more, and gets them back', async () => {
  await start({ limits: { connectionsFromLoopback: 2 } });
  const [first] = [await village.open(), await village.open()];
  await cutOff(await village.open());
  expect(village.broker.snapshot().refusedConnections).toEqual({ 'address-full': 1 });
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
  expect(village.broker.snapshot().refusedConnections).toEqual({ 'too-long': 1 });
  expect(platform.connected).toBe(true);
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
