import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { audioSchema, errorAnswerSchema } from '@loalang/shared';
import { startStation, type Station } from './testing/station.ts';

const BOUNDARY = 'xxxxboundaryxxxx';

let station: Station;
let port: number;
let mp3: Buffer;
let filesBefore: string[];

beforeAll(async () => {
  station = await startStation();
  port = await station.console.listen({ port: 0, host: '127.0.0.1' });
  mp3 = await makeMp3();
});
afterAll(() => station.close());
beforeEach(async () => {
  filesBefore = await station.files();
});

async function makeMp3(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'loalang-mp3-'));
  try {
    const path = join(folder, 'sine.mp3');
    await promisify(execFile)('ffmpeg', ['-f', 'lavfi', '-i', 'sine=440:d=3', '-b:a', '128k', path]);
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function head(filename: string): string {
  return `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="${filename}"\r\ncontent-type: audio/mpeg\r\n\r\n`;
}
const TAIL = `\r\n--${BOUNDARY}--\r\n`;

function begin(cookies: Record<string, string>, lengthBytes?: number): ClientRequest {
  const upload = request({
    port,
    method: 'POST',
    path: '/api/audio',
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      cookie: `loalang=${cookies['loalang'] ?? ''}`,
      ...(lengthBytes === undefined ? {} : { 'content-length': lengthBytes }),
    },
  });
  // A refused upload may be cut off while it is still being sent.
  upload.on('error', () => undefined);
  return upload;
}

async function answerOf(upload: ClientRequest): Promise<{ status: number | undefined; body: unknown }> {
  const [answer] = z.tuple([z.custom<IncomingMessage>()]).parse(await once(upload, 'response'));
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return { status: answer.statusCode, body: JSON.parse(text) as unknown };
}

async function send(filename: string, content: Buffer, cookies = station.cookies.operator) {
  const upload = begin(cookies);
  upload.end(Buffer.concat([Buffer.from(head(filename)), content, Buffer.from(TAIL)]));
  return answerOf(upload);
}

async function expectNothingLeft(): Promise<void> {
  await expect.poll(() => station.files()).toEqual(filesBefore);
  const list = await station.console.app.inject({ url: '/api/audio', cookies: station.cookies.operator });
  const known = z.array(audioSchema).parse(list.json());
  expect(known.filter(({ title }) => title.includes('hỏng'))).toEqual([]);
}

const codeOf = (body: unknown) => errorAnswerSchema.parse(body).error.code;

describe('an upload', () => {
  it('becomes a sound of the library, which can be heard in parts', async () => {
    const { status, body } = await send('Tạm ngừng cấp điện.mp3', mp3);
    expect(status).toBe(201);
    const audio = audioSchema.parse(body);
    expect(audio).toMatchObject({ title: 'Tạm ngừng cấp điện', createdBy: 'lan' });
    expect(Math.abs(audio.durationMs - 3_000)).toBeLessThan(100);
    const url = `/api/audio/${audio.id}/sound`;
    const get = (headers: Record<string, string>) =>
      station.console.app.inject({ url, cookies: station.cookies.foreigner, headers });
    const whole = await get({});
    expect([whole.statusCode, whole.headers['content-type']]).toEqual([200, 'audio/ogg']);
    expect(whole.rawPayload.subarray(0, 4).toString()).toBe('OggS');
    const part = await get({ range: 'bytes=100-199', 'if-range': String(whole.headers.etag) });
    expect([part.statusCode, part.headers['content-range']]).toEqual([
      206,
      `bytes 100-199/${whole.rawPayload.byteLength}`,
    ]);
    expect(part.rawPayload).toEqual(whole.rawPayload.subarray(100, 200));
    expect((await get({ range: 'bytes=99999999-' })).statusCode).toBe(416);
    expect((await get({ 'if-none-match': String(whole.headers.etag) })).statusCode).toBe(304);
  });

  it.each([
    ['a text that is named .mp3', Buffer.from('Kính thưa bà con'.repeat(100)), 'AUDIO_NOT_SOUND', 422],
    ['an empty file', Buffer.alloc(0), 'AUDIO_EMPTY', 422],
  ])('of %s is refused and leaves nothing', async (_what, content, code, status) => {
    const answer = await send('hỏng.mp3', content);
    expect([answer.status, codeOf(answer.body)]).toEqual([status, code]);
    await expectNothingLeft();
  });

  it('without a file in it is refused', async () => {
    const upload = begin(station.cookies.operator);
    upload.end(`--${BOUNDARY}--\r\n`);
    const answer = await answerOf(upload);
    expect([answer.status, codeOf(answer.body)]).toEqual([400, 'INPUT_INVALID']);
  });

  it('by nobody is refused before it is read', async () => {
    const upload = begin({}, 2 * 1024 ** 3);
    upload.write(head('hỏng.mp3'));
    const answer = await answerOf(upload);
    expect([answer.status, codeOf(answer.body)]).toEqual([401, 'SIGN_IN_REQUIRED']);
    await expectNothingLeft();
  });

  it('that goes on after it was refused still hears why', async () => {
    const upload = begin({}, 2 * 1024 ** 3);
    const answer = answerOf(upload);
    upload.write(head('hỏng.mp3'));
    upload.setMaxListeners(100);
    // A browser sends on until it has read the answer; a connection that is cut before would lose it.
    for (let count = 0; count < 32; count += 1) {
      if (!upload.write(Buffer.alloc(256 * 1024))) await Promise.race([once(upload, 'drain'), answer]);
    }
    expect(codeOf((await answer).body)).toBe('SIGN_IN_REQUIRED');
    upload.destroy();
  });

  it('that breaks off leaves nothing', async () => {
    const upload = begin(station.cookies.operator, 10_000_000);
    upload.write(head('hỏng.mp3'));
    upload.write(mp3);
    await expect.poll(async () => (await station.files()).length).toBeGreaterThan(filesBefore.length);
    upload.destroy();
    await expectNothingLeft();
  });

  it('ends at once, and leaves nothing, when its person signs out', async () => {
    const cookies = await station.signIn('lan');
    const upload = begin(cookies);
    upload.write(head('hỏng.mp3'));
    upload.write(mp3.subarray(0, 1_000));
    await expect.poll(async () => (await station.files()).length).toBeGreaterThan(filesBefore.length);
    const answer = answerOf(upload);
    await station.console.app.inject({ method: 'POST', url: '/api/sign-out', cookies });
    expect(codeOf((await answer).body)).toBe('SIGN_IN_REQUIRED');
    await expectNothingLeft();
  });

  it('leaves nothing when the session has ended before the file is whole', async () => {
    const cookies = await station.signIn('lan');
    const upload = begin(cookies);
    upload.write(head('hỏng.mp3'));
    upload.write(mp3.subarray(0, 1_000));
    await expect.poll(async () => (await station.files()).length).toBeGreaterThan(filesBefore.length);
    // Ended elsewhere: this server is not told.
    await station.scheduler.people.signOut(cookies['loalang'] ?? '');
    upload.end(Buffer.concat([mp3.subarray(1_000), Buffer.from(TAIL)]));
    expect(codeOf((await answerOf(upload)).body)).toBe('SIGN_IN_REQUIRED');
    await expectNothingLeft();
  });
});
