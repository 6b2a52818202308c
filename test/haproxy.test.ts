import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { streamTopic } from '@loalang/shared';
import { readListeners } from '@loalang/broker';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeTestCertificate } from '../broker/src/listeners/test-certificate.ts';
import { deviceId, nextMessage, TestVillage, until } from '../broker/src/test-village.ts';
import { Engine, freePorts } from './foreign/engine.ts';

/** Debian's HAProxy with the configuration of docs/haproxy, but for its ports and files. */

const STREAM = streamTopic('feedfacefeedfacefeedfacefeedface');

let folder: string;
let village: TestVillage;
let haproxy: Engine | undefined;
let port: number;
let ca: string;

/** `isBehind`: a proxy in front of HAProxy tells addresses, so that the test can be anybody. */
async function start({ isBehind = false } = {}): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'loalang-haproxy-'));
  const certificate = makeTestCertificate(folder, 'haproxy');
  ca = certificate.pem;
  await writeFile(join(folder, 'loalang.pem'), ca + (await readFile(certificate.key, 'utf8')));
  village = await TestVillage.start({
    listeners: readListeners('mqtt://127.0.0.1:0?proxy=127.0.0.1'),
    limits: { connectionsPerAddress: 2 },
  });
  [port = 0] = await freePorts(1);
  const documented = await readFile(new URL('../docs/haproxy/haproxy.cfg', import.meta.url), 'utf8');
  const configuration = documented
    // Not every account may open so many files.
    .replace('maxconn 4096', 'maxconn 100')
    .replace('crt-base /etc/haproxy/certs', `crt-base ${folder}`)
    .replace('bind :8883', `bind 127.0.0.1:${port}${isBehind ? ' accept-proxy' : ''}`)
    .replaceAll('127.0.0.1:1884', `127.0.0.1:${village.listeners[1]?.port ?? 0}`);
  await writeFile(join(folder, 'haproxy.cfg'), configuration);
  haproxy = await Engine.start('haproxy', ['-f', join(folder, 'haproxy.cfg'), '-db'], [port]);
  await village.platform();
}

beforeEach(() => {
  port = 0;
});
afterEach(async () => {
  await village.close();
  await haproxy?.kill();
  await rm(folder, { recursive: true, force: true });
});

test('a receiver signs in through HAProxy over TLS 1.3 and hears a stream', async () => {
  await start();
  const platform = await village.connect(await village.authority.issue('platform', 'platform'));
  const holder = await village.authority.issue(deviceId(1), 'device');
  const receiver = await village.connect(holder, { protocol: 'mqtts', port, ca });
  await receiver.subscribeAsync(STREAM, { qos: 0 });
  const heard = nextMessage(receiver);
  await platform.publishAsync(STREAM, 'a packet', { qos: 1 });
  expect(await heard).toEqual({ topic: STREAM, payload: Buffer.from('a packet') });
  const old = connectTls({ host: '127.0.0.1', port, ca, maxVersion: 'TLSv1.2' });
  await expect(once(old, 'secureConnect')).rejects.toThrow();
});

/** Comes from this address, as far as HAProxy is told. */
async function openFrom(address: string): Promise<TLSSocket> {
  const socket = connectTcp({ host: '127.0.0.1', port });
  socket.write(`PROXY TCP4 ${address} 203.0.113.1 40000 8883\r\n`);
  const secured = connectTls({ socket, ca, servername: 'localhost' });
  secured.on('error', () => secured.destroy());
  await once(secured, 'secureConnect');
  return secured;
}

test('the broker counts connections by the address that HAProxy saw', async () => {
  await start({ isBehind: true });
  const addresses = ['198.51.100.8', '198.51.100.7', '198.51.100.7', '198.51.100.7'];
  const sockets = await Promise.all(addresses.map(openFrom));
  let closed = 0;
  for (const socket of sockets) socket.resume().once('close', () => (closed += 1));
  await until(() => closed === 1);
  expect(sockets[0]?.destroyed).toBe(false);
  expect(village.broker.snapshot().limitsHit['address-full']).toBe(1);
  for (const socket of sockets) socket.destroy();
});
