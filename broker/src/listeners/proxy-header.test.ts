import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { generate } from 'mqtt-packet';
import { afterEach, describe, expect, test } from 'vitest';
import type { BrokerOptions } from '../index.ts';
import { connectPacket, deviceId, PacketReader, TestVillage, until } from '../test-village.ts';
import { readListeners } from './read-listeners.ts';
import { readProxyHead, readProxySource } from './proxy-header.ts';
import { makeTestCertificate } from './test-certificate.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

function header(versionCommand: number, family: number, body: Buffer): Buffer {
  const fixed = Buffer.from([versionCommand, family, body.byteLength >> 8, body.byteLength & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

/** As HAProxy writes it: source, destination, ports. */
function fromIpv4(address: string, extra = Buffer.alloc(0)): Buffer {
  const source = Buffer.from(address.split('.').map(Number));
  return header(0x21, 0x11, Buffer.concat([source, Buffer.from([10, 0, 0, 1, 0x30, 0x39, 7, 91]), extra]));
}

function fromIpv6(source: string): Buffer {
  return header(0x21, 0x21, Buffer.concat([Buffer.from(source, 'hex'), Buffer.alloc(20)]));
}

describe('a header', () => {
  test.each([
    ['IPv4', fromIpv4('198.51.100.7'), '198.51.100.7'],
    ['IPv4 with more behind it', fromIpv4('198.51.100.7', Buffer.alloc(200, 1)), '198.51.100.7'],
    ['IPv6', fromIpv6('20010db8000000000000000000000001'), '2001:db8:0:0:0:0:0:1'],
    ['IPv4 within IPv6', fromIpv6('00000000000000000000ffffc6336407'), '198.51.100.7'],
  ])('of %s tells its source', (_, bytes, source) => {
    const head = readProxyHead(bytes);
    expect(head?.bodyBytes).toBe(bytes.byteLength - 16);
    expect(readProxySource(head?.family ?? 4, bytes.subarray(16))).toBe(source);
  });

  test('of a check by the proxy itself tells none', () => {
    expect(readProxyHead(header(0x20, 0x00, Buffer.alloc(0)))).toEqual({
      bodyBytes: 0,
      command: 'local',
      family: null,
    });
  });

  test.each([
    ['with another signature', Buffer.concat([Buffer.alloc(12), Buffer.from([0x21, 0x11, 0, 12])])],
    ['of version 1', Buffer.from('PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\n')],
    ['of another version', header(0x31, 0x11, Buffer.alloc(12))],
    ['of an unknown command', header(0x22, 0x11, Buffer.alloc(12))],
    ['of UDP', header(0x21, 0x12, Buffer.alloc(12))],
    ['of a Unix socket', header(0x21, 0x31, Buffer.alloc(216))],
    ['of nothing', header(0x21, 0x00, Buffer.alloc(0))],
    ['that announces more than is sensible', header(0x21, 0x11, Buffer.alloc(513))],
    ['cut short', fromIpv4('198.51.100.7').subarray(0, 15)],
  ])('%s is none', (_, bytes) => expect(readProxyHead(bytes)).toBeNull());

  test('with too little room for its addresses has no source', () => {
    expect(readProxySource(4, Buffer.alloc(11))).toBeNull();
    expect(readProxySource(6, Buffer.alloc(35))).toBeNull();
  });
});

describe('behind a proxy', () => {
  let village: TestVillage;
  const sockets: Socket[] = [];

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await village.close();
  });

  async function start(listen: string, options: Partial<BrokerOptions> = {}): Promise<void> {
    village = await TestVillage.start({ listeners: readListeners(listen), ...options });
    await village.platform();
  }

  function open(): Socket {
    const socket = connect({ host: '127.0.0.1', port: village.listeners[1]?.port ?? 0 });
    socket.on('error', () => socket.destroy());
    sockets.push(socket);
    return socket;
  }

  async function gone(socket: Socket): Promise<void> {
    socket.resume();
    await once(socket, 'close');
  }

  function refused(): Readonly<Record<string, number>> {
    return village.broker.snapshot().limitsHit;
  }

  const LISTEN = 'mqtt://127.0.0.1:0?proxy=127.0.0.0/8';

  test('the limit of an address is that of the address behind the proxy', async () => {
    await start(LISTEN, { limits: { connectionsPerAddress: 2, connectionsFromLoopback: 2 } });
    for (const source of ['198.51.100.7', '198.51.100.7', '198.51.100.8']) open().write(fromIpv4(source));
    await until(() => village.broker.snapshot().connections === 4);
    const third = open();
    third.write(fromIpv4('198.51.100.7'));
    await gone(third);
    expect(refused()).toEqual({ 'address-full': 1 });
    sockets[0]?.destroy();
    await until(() => village.broker.snapshot().connections === 3);
    open().write(fromIpv4('198.51.100.7'));
    await until(() => village.broker.snapshot().connections === 4);
  });

  test('a receiver signs in, however its bytes are cut', async () => {
    await start(LISTEN);
    const connectBytes = generate(await connectPacket(await village.authority.issue(deviceId(1), 'device')));
    const bytes = Buffer.concat([fromIpv4('198.51.100.7', Buffer.alloc(30)), connectBytes]);
    for (const cut of [0, 1, 15, 16, 17, 30, 58, 59]) {
      const socket = open();
      const reader = new PacketReader(socket);
      if (cut > 0) await new Promise((resolve) => socket.write(bytes.subarray(0, cut), resolve));
      socket.write(bytes.subarray(cut));
      // The token is used by the first, which is told yes; the others are told that it was used.
      await reader.next('connack');
      socket.destroy();
    }
    expect(refused()).toEqual({});
    expect(village.broker.snapshot().refusedSignIns).toEqual({ replayed: 7 });
  });

  test('TLS may follow the header', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'loalang-proxy-'));
    const certificate = makeTestCertificate(folder, 'behind');
    await start('mqtts://127.0.0.1:0?proxy=127.0.0.1', { certificate });
    const socket = open();
    socket.write(fromIpv4('198.51.100.7'));
    const secured = connectTls({ socket, ca: certificate.pem, servername: 'localhost' });
    await once(secured, 'secureConnect');
    const reader = new PacketReader(secured);
    secured.write(generate(await connectPacket(await village.authority.issue(deviceId(1), 'device'))));
    expect(await reader.next('connack')).toMatchObject({ returnCode: 0 });
    await rm(folder, { recursive: true });
  });

  test('what has no header is refused, and so is who is no proxy', async () => {
    await start(LISTEN);
    const bare = open();
    bare.write(generate(await connectPacket(await village.authority.issue(deviceId(1), 'device'))));
    await gone(bare);
    const short = open();
    short.end(fromIpv4('198.51.100.7').subarray(0, 20));
    await gone(short);
    await until(() => refused()['proxy-failed'] === 2);
    await village.close();
    await start('mqtt://127.0.0.1:0?proxy=192.0.2.1');
    const stranger = open();
    stranger.write(fromIpv4('198.51.100.7'));
    await gone(stranger);
    await until(() => refused()['proxy-unknown'] === 1);
  });

  test('a header that never ends is closed in time', async () => {
    await start(LISTEN, { limits: { signInMs: 50 } });
    const slow = open();
    slow.write(SIGNATURE);
    await gone(slow);
    await until(() => refused()['handshake-slow'] === 1);
  });
});
