import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import {
  addMs,
  deviceTopic,
  encodeAudioPacket,
  fromUnixMs,
  LoaLangError,
  streamTopic,
  type MediaTime,
} from '@loalang/shared';
import { generate } from 'mqtt-packet';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createWebSocketStream, WebSocket } from 'ws';
import type { BrokerOptions, ListenerSettings } from '../index.ts';
import {
  connectPacket,
  deviceId,
  nextMessage,
  PacketReader,
  TestVillage,
  until,
  type Holder,
} from '../test-village.ts';
import { readListeners } from './read-listeners.ts';
import { makeTestCertificate } from './test-certificate.ts';

/** Real listeners on free ports, and clients that are not ours: mqtt.js, ws, Node's sockets. */

const STREAM = streamTopic('feedfacefeedfacefeedfacefeedface');
const ALL = 'mqtts://127.0.0.1:0,ws://127.0.0.1:0,wss://127.0.0.1:0';

let folder: string;
let certificate: ReturnType<typeof makeTestCertificate>;
let village: TestVillage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-tls-'));
  certificate = makeTestCertificate(folder, 'one');
});
afterEach(async () => village.close());
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function start(listen = ALL, options: Partial<BrokerOptions> = {}): Promise<void> {
  village = await TestVillage.start({ listeners: readListeners(listen), certificate, ...options });
}

function portOf(scheme: string): number {
  return village.listeners.find((listener) => listener.scheme === scheme)?.port ?? 0;
}

function refused(): Readonly<Record<string, number>> {
  return village.broker.snapshot().limitsHit;
}

async function openTls(port: number): Promise<Duplex> {
  const socket = connectTls({ host: '127.0.0.1', port, ca: certificate.pem });
  socket.on('error', () => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function openWebSocket(url: string): Promise<Duplex> {
  const webSocket = new WebSocket(url, 'mqtt', { ca: certificate.pem });
  await once(webSocket, 'open');
  const stream = createWebSocketStream(webSocket);
  stream.on('error', () => stream.destroy());
  return stream;
}

/** By each way, a stream of bytes to the broker. */
const ways: Record<string, () => Promise<Duplex>> = {
  mqtts: async () => openTls(portOf('mqtts')),
  ws: async () => openWebSocket(`ws://127.0.0.1:${portOf('ws')}/mqtt`),
  wss: async () => openWebSocket(`wss://127.0.0.1:${portOf('wss')}/mqtt`),
};

async function signIn(stream: Duplex, holder: Holder, topics: readonly string[]): Promise<PacketReader> {
  const packets = new PacketReader(stream);
  stream.write(generate(await connectPacket(holder)));
  expect(await packets.next('connack')).toMatchObject({ returnCode: 0 });
  const subscriptions = topics.map((topic) => ({ topic, qos: 1 as const }));
  stream.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }));
  await packets.next('suback');
  return packets;
}

/** Resolves when the other end has gone. */
async function gone(stream: Duplex): Promise<void> {
  stream.on('error', () => stream.destroy());
  stream.resume();
  // A WebSocket's stream that was ended by the other end waits for its own.
  await Promise.race([once(stream, 'end'), once(stream, 'close')]);
}

describe('a receiver', () => {
  test.each([
    ['mqtts', (port: number) => `mqtts://127.0.0.1:${port}`],
    ['ws', (port: number) => `ws://127.0.0.1:${port}/mqtt`],
    ['wss', (port: number) => `wss://127.0.0.1:${port}/mqtt`],
  ] as const)('signs in and hears a stream over %s', async (scheme, urlOf) => {
    await start();
    const platform = await village.platform();
    const holder = await village.authority.issue(deviceId(1), 'device');
    const { protocol, port, pathname } = new URL(urlOf(portOf(scheme)));
    const client = await village.connect(holder, {
      protocol: scheme,
      port: Number(port),
      path: protocol.startsWith('ws') ? pathname : '',
      ca: certificate.pem,
    });
    await client.subscribeAsync(STREAM, { qos: 0 });
    const heard = nextMessage(client);
    await platform.publishAsync(STREAM, 'a packet', { qos: 1 });
    expect(await heard).toEqual({ topic: STREAM, payload: Buffer.from('a packet') });
  });

  test('is refused by all of them without a credential', async () => {
    await start();
    for (const open of Object.values(ways)) {
      const stream = await open();
      stream.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      await gone(stream);
    }
    expect(refused()).toEqual({ 'not-connect': 3 });
    await until(() => village.broker.snapshot().connections === 0);
  });
});

test('every listener tells its port, and closing the broker frees them all', async () => {
  await start(`${ALL},mqtt://127.0.0.1:0`);
  expect(village.listeners.map(({ scheme }) => scheme)).toEqual(['mqtt', 'mqtts', 'ws', 'wss', 'mqtt']);
  const ports = village.listeners.map(({ port }) => port);
  expect(new Set(ports).size).toBe(5);
  await village.broker.close();
  for (const port of ports) {
    const socket = connectTcp({ host: '127.0.0.1', port });
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }
});

test('a taken port is one clear error, and nothing stays open', async () => {
  await start();
  const listeners = readListeners(`ws://127.0.0.1:0,mqtt://127.0.0.1:${village.port}`);
  const second = TestVillage.start({ listeners });
  await expect(second).rejects.toBeInstanceOf(LoaLangError);
  await expect(second).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    details: { port: village.port, variable: 'LOALANG_BROKER_LISTEN' },
  });
});

describe('TLS', () => {
  test('is 1.3, and what is older or no TLS is refused', async () => {
    await start();
    const old = connectTls({
      host: '127.0.0.1',
      port: portOf('mqtts'),
      ca: certificate.pem,
      maxVersion: 'TLSv1.2',
    });
    await expect(once(old, 'secureConnect')).rejects.toThrow();
    const plain = connectTcp({ host: '127.0.0.1', port: portOf('mqtts') });
    plain.write(generate(await connectPacket(await village.authority.issue(deviceId(1), 'device'))));
    await gone(plain);
    await until(() => refused()['tls-failed'] === 2);
    expect(village.broker.snapshot().connections).toBe(0);
  });

  test('that is begun and not ended is closed in time', async () => {
    await start(ALL, { limits: { signInMs: 50 } });
    await gone(connectTcp({ host: '127.0.0.1', port: portOf('mqtts') }));
    await gone(connectTcp({ host: '127.0.0.1', port: portOf('wss') }));
    await gone(connectTcp({ host: '127.0.0.1', port: portOf('ws') }));
    await until(() => village.broker.snapshot().connections === 0);
    await until(() => refused()['handshake-slow'] === 3);
  });

  test('handshakes count as connections of their address', async () => {
    await start(ALL, { limits: { connectionsFromLoopback: 2 } });
    const first = connectTcp({ host: '127.0.0.1', port: portOf('mqtts') });
    const second = connectTcp({ host: '127.0.0.1', port: portOf('ws') });
    await until(() => village.broker.snapshot().connections === 2);
    await gone(connectTcp({ host: '127.0.0.1', port: portOf('mqtts') }));
    expect(refused()).toEqual({ 'address-full': 1 });
    for (const socket of [first, second]) socket.destroy();
    await until(() => village.broker.snapshot().connections === 0);
  });

  test('that is under way ends with the broker', async () => {
    await start();
    const sockets = ['mqtts', 'ws', 'wss'].map((scheme) =>
      connectTcp({ host: '127.0.0.1', port: portOf(scheme) }),
    );
    await until(() => village.broker.snapshot().connections === 3);
    await Promise.all([village.broker.close(), ...sockets.map(gone)]);
    await until(() => village.broker.snapshot().connections === 0);
  });
});

describe('a WebSocket', () => {
  test.each([
    ['another path', '/', 'mqtt'],
    ['a path with more behind it', '/mqtt/x', 'mqtt'],
    ['another subprotocol', '/mqtt', 'mqttv3.1'],
    ['no subprotocol', '/mqtt', []],
  ])('of %s is refused', async (_, path, protocol) => {
    await start();
    const webSocket = new WebSocket(`ws://127.0.0.1:${portOf('ws')}${path}`, protocol);
    await expect(once(webSocket, 'open')).rejects.toThrow('400');
    await until(() => refused()['websocket-failed'] === 1);
  });

  test('is the only thing that its port is for', async () => {
    await start();
    const answer = await fetch(`http://127.0.0.1:${portOf('ws')}/mqtt`);
    expect(answer.status).toBe(426);
    await until(() => village.broker.snapshot().connections === 0);
  });

  test('carries binary messages only, and none longer than a receiver has', async () => {
    await start();
    for (const message of ['text', Buffer.alloc(65 * 1024)]) {
      const webSocket = new WebSocket(`ws://127.0.0.1:${portOf('ws')}/mqtt`, 'mqtt');
      await once(webSocket, 'open');
      webSocket.send(message);
      await once(webSocket, 'close');
    }
    await until(() => village.broker.snapshot().connections === 0);
  });

  test('answers pings while they are read', async () => {
    await start();
    const webSocket = new WebSocket(`ws://127.0.0.1:${portOf('ws')}/mqtt`, 'mqtt');
    await once(webSocket, 'open');
    webSocket.ping('still there?');
    expect(String((await once(webSocket, 'pong'))[0])).toBe('still there?');
    webSocket.terminate();
  });

  test('may bring its first packet along with its request, and packets cut anywhere', async () => {
    await start();
    await village.platform();
    const stream = await openWebSocket(`ws://127.0.0.1:${portOf('ws')}/mqtt`);
    const reader = new PacketReader(stream);
    const bytes = generate(await connectPacket(await village.authority.issue(deviceId(1), 'device')));
    for (const byte of bytes) stream.write(Buffer.from([byte]));
    expect(await reader.next('connack')).toMatchObject({ returnCode: 0 });
    stream.destroy();
  });
});

/** As large as a packet gets. */
function audioPacket(index: number, mediaTime: MediaTime): Buffer {
  const frames = Array.from({ length: 6 }, () => new Uint8Array(1275).fill(index));
  return Buffer.from(encodeAudioPacket({ sequence: index, mediaTime, isLast: false, frames }));
}

const BACKLOG_BYTES = 100_000;

test.each(Object.entries(ways))(
  'a receiver that stops reading is seen to over %s, and gets everything whole and in order later',
  async (_, open) => {
    await start();
    const platform = await village.platform();
    const frozen = await open();
    const holder = await village.authority.issue(deviceId(7), 'device');
    const packets = await signIn(frozen, holder, [STREAM]);
    packets.stop();
    frozen.pause();
    const inTime = addMs(fromUnixMs(Date.now()), 600_000);
    let published = 0;
    while (village.broker.snapshot().queuedBytes < BACKLOG_BYTES) {
      if (published > 5_000) throw new Error('somebody takes everything');
      await platform.publishAsync(STREAM, audioPacket(published++, inTime), { qos: 1 });
      // Beyond what the table holds back there is one packet above the high water, and what TLS or WebSocket adds to it.
      expect(village.broker.snapshot().unsentBytes).toBeLessThan(32 * 1024);
    }
    const later = new PacketReader(frozen);
    frozen.resume();
    const heard = (): unknown[] => later.packets.filter(({ cmd }) => cmd === 'publish');
    await until(() => heard().length === published);
    const sequences = later.packets.flatMap((packet) =>
      packet.cmd === 'publish' && Buffer.isBuffer(packet.payload) ? [packet.payload.readUInt32BE(4)] : [],
    );
    expect(sequences).toEqual(Array.from({ length: published }, (__, index) => index));
    expect(village.broker.snapshot()).toMatchObject({ queuedBytes: 0, dropped: { expired: 0, overflow: 0 } });
    frozen.destroy();
    await until(() => village.broker.snapshot().connections === 1);
  },
);

test.each(Object.entries(ways))(
  'a receiver over %s that is behind leaves nothing behind when it goes',
  async (_, open) => {
    await start();
    const platform = await village.platform();
    const stream = await open();
    const holder = await village.authority.issue(deviceId(7), 'device');
    (await signIn(stream, holder, [deviceTopic(holder.id, 'plan')])).stop();
    stream.pause();
    const topic = deviceTopic(holder.id, 'plan');
    while (village.broker.snapshot().closedSlow === 0) {
      await platform.publishAsync(topic, Buffer.alloc(100_000), { qos: 1, retain: true });
    }
    await until(() => village.broker.snapshot().connections === 1);
    await until(() => village.broker.snapshot().sessions.device === 0);
    expect(village.broker.snapshot().unsentBytes).toBe(0);
    stream.destroy();
  },
);

describe('addresses to listen on', () => {
  const plain: ListenerSettings = {
    transport: 'tcp',
    isTls: false,
    host: '127.0.0.1',
    port: 1883,
    proxies: [],
  };
  test.each([
    ['mqtt://127.0.0.1', [plain]],
    ['mqtts://[::]:0', [{ ...plain, transport: 'tls', isTls: true, host: '::', port: 0 }]],
    [' wss://0.0.0.0 , ', [{ ...plain, transport: 'websocket', isTls: true, host: '0.0.0.0', port: 8084 }]],
    [
      'mqtt://10.0.0.2:1884?proxy=10.0.0.5&proxy=fd00::/8',
      [{ ...plain, host: '10.0.0.2', port: 1884, proxies: ['10.0.0.5', 'fd00::/8'] }],
    ],
  ])('%s', (text, expected) => expect(readListeners(text)).toEqual(expected));

  test.each([
    '127.0.0.1:1883',
    'http://127.0.0.1',
    'mqtt://127.0.0.1:99999',
    'mqtt://x?proxies=1.2.3.4',
    'mqtt://x?proxy=example.org',
    'mqtt://x?proxy=10.0.0.0/33',
    Array.from({ length: 9 }, () => 'mqtt://x').join(','),
  ])('%s is refused', (text) => expect(() => readListeners(text)).toThrow(TypeError));
});
