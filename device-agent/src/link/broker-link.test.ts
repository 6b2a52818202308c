import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { generateSigningKey, writeSigningKey } from '@loalang/shared/signing';
import { systemClock } from '../clock/index.ts';
import { portOf } from '../testing/port-of.ts';
import { BrokerLink } from './broker-link.ts';

const servers: Server[] = [];
let link: BrokerLink;

afterEach(async () => {
  await link.close();
  for (const server of servers.splice(0)) server.close();
});

/** Something that listens where a broker stood, and hangs up at once. */
async function standIn(): Promise<{ server: Server; url: string }> {
  const server = createServer((socket) => socket.on('error', () => undefined).destroy());
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `mqtt://127.0.0.1:${portOf(server)}` };
}

function makeLink(url: () => string): BrokerLink {
  return new BrokerLink({
    url,
    tls: () => ({ key: writeSigningKey(generateSigningKey()) }),
    deviceId: 'd-abcdefghij',
    clock: systemClock,
    random: () => 0,
    log: pino({ enabled: false }),
    credentials: () => Promise.resolve({ userName: 'user', password: 'password' }),
    onOnline: () => Promise.resolve(),
    onOffline: () => undefined,
    onMessage: () => undefined,
    onRefused: () => undefined,
  });
}

test('a broker that has moved is looked for where it is said to be now', async () => {
  const [former, next] = [await standIn(), await standIn()];
  let { url } = former;
  link = makeLink(() => url);
  const triedFormer = once(former.server, 'connection');
  const triedNext = once(next.server, 'connection');
  link.start();
  await triedFormer;
  ({ url } = next);
  await triedNext;
});

test('an address that can be none is refused at the start', () => {
  link = makeLink(() => 'mqtt://broker.example');
  expect(() => link.start()).toThrow(/unencrypted/);
});
