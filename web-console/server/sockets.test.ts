import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { type LiveServerMessage, liveServerMessageSchema, todaySchema } from '@loalang/shared';
import { SESSION_ENDED_CLOSE_CODE } from './index.ts';
import { startStation, type Station } from './testing/station.ts';

let station: Station;
let port: number;
beforeAll(async () => {
  station = await startStation();
  port = await station.console.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => station.close());

function connect(
  path: string,
  cookies: Record<string, string>,
  headers: Record<string, string> = {},
): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { cookie: `loalang=${cookies['loalang'] ?? ''}`, ...headers },
  });
}

async function refusalOf(socket: WebSocket): Promise<number> {
  const status = await new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
  });
  socket.on('error', () => undefined).terminate();
  return status;
}

/** Sends what is given as soon as the socket is open; resolves with all that came until it closed. */
async function converse(socket: WebSocket, first: string | Buffer) {
  const messages: LiveServerMessage[] = [];
  socket.on('message', (data: Buffer) =>
    messages.push(liveServerMessageSchema.parse(JSON.parse(data.toString('utf8')))),
  );
  socket.once('open', () => socket.send(first));
  const [closeCode] = z
    .tuple([z.number()])
    .rest(z.unknown())
    .parse(await once(socket, 'close'));
  return {
    closeCode,
    told: messages.map((message) => (message.type === 'error' ? message.code : message.type)),
  };
}

const live = (cookies = station.cookies.operator) =>
  connect('/api/live', cookies, { origin: `http://127.0.0.1:${port}` });

const start = (unitIds: string[], codec = 'opus') =>
  JSON.stringify({ type: 'start', title: 'Thông báo', unitIds, codec });

describe.each(['/api/live', '/api/today/events'])('the socket %s', (path) => {
  it('is closed to whoever is not signed in', async () => {
    expect(await refusalOf(connect(path, {}))).toBe(401);
  });

  it('is closed to pages of other sites', async () => {
    const origin = 'http://evil.example';
    expect(await refusalOf(connect(path, station.cookies.operator, { origin }))).toBe(403);
  });

  it('answers a plain request in words', async () => {
    const answer = await station.console.app.inject({ url: path, cookies: station.cookies.operator });
    expect([answer.statusCode, z.looseObject({}).parse(answer.json())]).toEqual([
      400,
      expect.objectContaining({ error: expect.objectContaining({ field: 'upgrade' }) as unknown }),
    ]);
  });
});

describe('a live microphone', () => {
  it.each([
    ['no JSON', 'hello', 'INPUT_INVALID', 1008],
    ['sound', Buffer.alloc(1920), 'INPUT_INVALID', 1008],
    ['65 KiB', Buffer.alloc(65 * 1024), 'INPUT_INVALID', 1009],
    ['a start for nobody', start([]), 'NO_RECEIVER', 1008],
    ['a start for units of others', start(['mai-son']), 'NOT_FOUND', 1008],
  ])('is refused when its first message is %s', async (_what, first, code, closeCode) => {
    expect(await converse(live(), first)).toEqual({ told: [code], closeCode });
  });

  it('is cut off when a message is beyond all bounds', async () => {
    expect(await converse(live(), Buffer.alloc(300 * 1024))).toEqual({ told: [], closeCode: 1009 });
  });

  it('ends when its person signs out', async () => {
    const cookies = await station.signIn('lan');
    const socket = live(cookies);
    const conversation = converse(socket, start(['an-lac']));
    socket.once('message', () => {
      void station.console.app.inject({ method: 'POST', url: '/api/sign-out', cookies });
    });
    expect(await conversation).toEqual({ told: ['on-air', 'SIGN_IN_REQUIRED'], closeCode: 1008 });
    const today = await station.scheduler.broadcasts.today(station.people.operator);
    expect(today.broadcasts.map(({ kind, stoppedAt }) => [kind, stoppedAt !== null])).toEqual([
      ['live', true],
    ]);
  });
});

describe('the socket of today', () => {
  it('tells of a live broadcast as soon as it begins', async () => {
    const socket = connect('/api/today/events', station.cookies.administrator);
    const kinds = new Set<string>();
    socket.on('message', (data: Buffer) => {
      const today = todaySchema.parse(JSON.parse(data.toString('utf8')));
      for (const { title } of today.broadcasts) kinds.add(title);
    });
    await once(socket, 'message');
    const microphone = live();
    await once(microphone, 'open');
    microphone.send(JSON.stringify({ type: 'start', title: 'Họp thôn', unitIds: ['an-lac'], codec: 'pcm' }));
    await expect.poll(() => kinds.has('Họp thôn')).toBe(true);
    microphone.close();
    socket.close();
  });

  it('sends the whole state of the own units, and closes when its person signs out', async () => {
    const cookies = await station.signIn('hiep');
    const socket = connect('/api/today/events', cookies);
    const [data] = z
      .tuple([z.instanceof(Buffer)])
      .rest(z.unknown())
      .parse(await once(socket, 'message'));
    const today = todaySchema.parse(JSON.parse(data.toString('utf8')));
    expect(today.devices.map(({ unitId, state }) => [unitId, state])).toEqual([['mai-son', 'never-seen']]);
    const closed = once(socket, 'close');
    await station.console.app.inject({ method: 'POST', url: '/api/sign-out', cookies });
    expect((await closed)[0]).toBe(SESSION_ENDED_CLOSE_CODE);
  });
});
