import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { MonotonicClock } from '@loalang/device-agent';
import { Link } from './link.ts';
import { perfectNetwork, type NetworkProfile } from './profile.ts';
import { ShapedPipe } from './shaped-pipe.ts';
import { TcpShaper } from './tcp-shaper.ts';
import { VirtualNetwork } from './virtual-network.ts';

const clock: MonotonicClock = {
  nowUs: () => performance.now() * 1000,
  after: (ms, fn) => {
    const handle = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** A server on a free port; its sockets are destroyed after the test. */
async function serve(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    cleanUps.push(() => socket.destroy());
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.unshift(async () => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, port: address.port };
}

async function shape(port: number, profile: NetworkProfile): Promise<{ shaper: TcpShaper; link: Link }> {
  const link = new Link({ profile, seed: 'test', clock });
  const shaper = new TcpShaper({ target: { host: '127.0.0.1', port }, link });
  await shaper.start();
  cleanUps.push(async () => shaper.close());
  return { shaper, link };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => undefined);
  cleanUps.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Unlike `once`, takes an error before the close for granted. */
async function closed(socket: Socket): Promise<void> {
  if (socket.closed) return;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
}

/** Dials, and waits until that connection is gone. */
async function seeRefused(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  await closed(socket);
}

async function echo(): Promise<number> {
  return (await serve((socket) => socket.pipe(socket))).port;
}

function bothWays(direction: Partial<NetworkProfile['up']>): NetworkProfile {
  return {
    up: { ...perfectNetwork.up, ...direction },
    down: { ...perfectNetwork.down, ...direction },
  };
}

test('an echo comes back whole, in order, and not before twice the delay', async () => {
  const profile = bothWays({ delayMs: 30, jitter: { kind: 'exponential', meanMs: 5, maxMs: 20 } });
  const { shaper } = await shape(await echo(), profile);
  const socket = await dial(shaper.port);
  const sent = Buffer.from(Uint32Array.from({ length: 200_000 }, (_, index) => index).buffer);
  const sentAtUs = clock.nowUs();
  let firstAtUs = 0;
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    if (firstAtUs === 0) firstAtUs = clock.nowUs();
    received.push(chunk);
  });
  socket.end(sent);
  await once(socket, 'end');
  expect(Buffer.concat(received).equals(sent)).toBe(true);
  expect(firstAtUs - sentAtUs).toBeGreaterThanOrEqual(60_000);
});

test('what has not to wait goes on in the same turn, not by a timer', async () => {
  let timers = 0;
  const still: MonotonicClock = {
    nowUs: () => 0,
    after: () => {
      timers += 1;
      return { cancel: () => undefined };
    },
  };
  const port = await echo();
  const link = new Link({ profile: perfectNetwork, seed: 'test', clock: still });
  const shaper = new TcpShaper({ target: { host: '127.0.0.1', port }, link });
  await shaper.start();
  cleanUps.push(async () => shaper.close());
  const socket = await dial(shaper.port);
  socket.write('at once');
  expect(String(await once(socket, 'data'))).toBe('at once');
  expect(timers).toBe(0);
});

test('a transfer is held down to the rate and its sender is made to wait', async () => {
  const { port } = await serve((socket) => socket.resume());
  const { shaper } = await shape(port, bothWays({ capacity: { kind: 'rate', kbps: 8000, burstBytes: 0 } }));
  const socket = await dial(shaper.port);
  const startUs = clock.nowUs();
  socket.end(Buffer.alloc(500_000));
  await once(socket, 'close');
  expect(clock.nowUs() - startUs).toBeGreaterThanOrEqual(500_000);
});

test('a pipe that can not get rid of its bytes stops reading, and goes on where it stopped', async () => {
  const sources: Socket[] = [];
  const { server, port } = await serve((socket) => sources.push(socket));
  const isAccepted = once(server, 'connection');
  const sender = await dial(port);
  await isAccepted;
  const [from] = sources;
  if (from === undefined) throw new Error('nothing was accepted');
  let receivedBytes = 0;
  const { port: sinkPort } = await serve((socket) =>
    socket.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
    }),
  );
  const to = await dial(sinkPort);
  const link = new Link({ profile: perfectNetwork, seed: 'pipe', clock });
  const pipe = new ShapedPipe({ from, to, link, shaper: link.up });
  cleanUps.push(() => pipe.close());
  link.stall();
  pipe.start();
  sender.write(Buffer.alloc(8_000_000));
  await expect.poll(() => from.isPaused()).toBe(true);
  expect(from.bytesRead).toBeLessThanOrEqual(256 * 1024 + 128 * 1024);
  link.resume();
  await expect.poll(() => receivedBytes).toBe(8_000_000);
});

test('what is sent into an outage arrives after it, and the connection lives on', async () => {
  const { shaper, link } = await shape(await echo(), perfectNetwork);
  const socket = await dial(shaper.port);
  socket.write('before');
  await once(socket, 'data');
  link.stall();
  let hasCome = false;
  socket.once('data', () => {
    hasCome = true;
  });
  socket.write('during');
  // A connection beside it, not shaped, shows that the bytes had the time to come.
  const other = await dial(await echo());
  for (let round = 0; round < 50; round += 1) {
    other.write('x');
    await once(other, 'data');
  }
  expect(hasCome).toBe(false);
  const arrived = once(socket, 'data');
  link.resume();
  expect(String((await arrived)[0])).toBe('during');
});

test('a reset is felt at both ends, and refusing lasts until it is taken back', async () => {
  const accepted: Socket[] = [];
  const { server, port } = await serve((socket) => accepted.push(socket));
  const { shaper } = await shape(port, perfectNetwork);
  const isAccepted = once(server, 'connection');
  const socket = await dial(shaper.port);
  await isAccepted;
  const far = accepted[0];
  if (far === undefined) throw new Error('nothing was accepted');
  shaper.setRefusing(true);
  await Promise.all([closed(socket), closed(far)]);
  await seeRefused(shaper.port);
  shaper.setRefusing(false);
  const isBack = once(server, 'connection');
  await dial(shaper.port);
  await isBack;
});

test('after a cut the near end is gone, the target is not told, and nothing gets through until it is restored', async () => {
  const accepted: Socket[] = [];
  const { server, port } = await serve((socket) => accepted.push(socket));
  const { shaper } = await shape(port, perfectNetwork);
  const isAccepted = once(server, 'connection');
  const socket = await dial(shaper.port);
  await isAccepted;
  shaper.cut();
  await closed(socket);
  await seeRefused(shaper.port);
  shaper.restore();
  const isBack = once(server, 'connection');
  await dial(shaper.port);
  await isBack;
  expect(accepted.map(({ destroyed, readableEnded }) => destroyed || readableEnded)).toEqual([false, false]);
});

test('a half-open connection swallows everything while a new one works', async () => {
  const accepted: Socket[] = [];
  const { port } = await serve((socket) => {
    accepted.push(socket);
    socket.pipe(socket);
  });
  const { shaper } = await shape(port, perfectNetwork);
  const forgotten = await dial(shaper.port);
  forgotten.write('hello');
  await once(forgotten, 'data');
  shaper.halfOpen();
  let hasAnswer = false;
  forgotten.on('data', () => {
    hasAnswer = true;
  });
  forgotten.write('anybody?');
  const fresh = await dial(shaper.port);
  fresh.write('hello');
  await once(fresh, 'data');
  forgotten.end();
  fresh.write('again');
  await once(fresh, 'data');
  expect(hasAnswer).toBe(false);
  expect(accepted[0]?.readableEnded).toBe(false);
  await closed(forgotten);
});

test('a target that is not there resets the near end', async () => {
  const { server, port } = await serve(() => undefined);
  server.close();
  const { shaper } = await shape(port, perfectNetwork);
  const socket = await dial(shaper.port);
  await closed(socket);
  await expect.poll(() => shaper.connectionCount).toBe(0);
});

test('closing twice is fine and frees the port with connections open', async () => {
  const { shaper } = await shape(await echo(), perfectNetwork);
  const socket = await dial(shaper.port);
  await Promise.all([shaper.close(), shaper.close()]);
  await closed(socket);
  expect(() => shaper.port).toThrow('not started');
});

test('a network keeps scheme and path, uses one shaper an address, and refuses what has a certificate', async () => {
  const network = new VirtualNetwork({ profile: perfectNetwork, seed: 'urls', clock });
  cleanUps.push(async () => network.close());
  const mqtt = await network.route('mqtt://127.0.0.1:1883');
  expect(mqtt).toMatch(/^mqtt:\/\/127\.0\.0\.1:\d+$/);
  expect(await network.route('mqtt://127.0.0.1')).toBe(mqtt);
  expect(await network.route('http://localhost:8080/loa/')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/loa\/$/);
  await expect(network.route('mqtts://broker.example')).rejects.toThrow(TypeError);
});
