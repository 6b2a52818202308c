import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AudioRow } from '@loalang/scheduler';
import {
  type Broadcast,
  broadcastDetailSchema,
  broadcastSchema,
  errorAnswerSchema,
  stopAnswerSchema,
  todaySchema,
  unitSchema,
} from '@loalang/shared';
import { z } from 'zod';
import { startStation, type Station, type Who } from './testing/station.ts';

let station: Station;
let audio: AudioRow;
let broadcast: Broadcast;

beforeAll(async () => {
  station = await startStation();
  const { stdout } = await promisify(execFile)(
    'ffmpeg',
    ['-f', 'lavfi', '-i', 'sine=440:d=5', '-f', 'wav', '-'],
    { encoding: 'buffer' },
  );
  audio = await station.scheduler.library.ingest(Readable.from([stdout]), {
    filename: 'Thời sự.wav',
    personId: station.people.operator.id,
  });
  const answer = await ask('operator', 'POST', '/api/broadcasts', wanted(['an-lac'], 3_600));
  broadcast = broadcastSchema.parse(answer.json());
});
afterAll(() => station.close());

const ask = (who: Who, method: 'GET' | 'POST', url: string, payload?: object) =>
  station.console.app.inject({
    method,
    url,
    cookies: station.cookies[who],
    ...(payload === undefined ? {} : { payload }),
  });

const errorOf = (answer: { body: string }) => errorAnswerSchema.parse(JSON.parse(answer.body)).error;

const fetchAsset = async (sha256: string, headers: Record<string, string> = {}) =>
  station.console.app.inject({
    url: `/device/assets/${sha256}`,
    headers: { authorization: await station.receiver.authorization(), ...headers },
  });

function wanted(unitIds: string[], inSeconds: number) {
  const startAt = station.scheduler.clock.now() + inSeconds * 1_000_000;
  return { audioId: audio.id, title: 'Thời sự chiều', unitIds, startAt, priority: 'normal' };
}

describe('a broadcast', () => {
  it('is planned for the receivers of the chosen units', () => {
    expect(broadcast).toMatchObject({ kind: 'file', title: 'Thời sự chiều', places: ['Xã An Lạc'] });
    expect(broadcast.cells).toEqual([{ deviceId: station.receiver.deviceId, state: 'waiting' }]);
  });

  it.each(['operator', 'administrator'] as const)('is seen whole by the %s', async (who) => {
    const detail = await ask(who, 'GET', `/api/broadcasts/${broadcast.id}`);
    expect(broadcastDetailSchema.parse(detail.json())).toMatchObject({
      id: broadcast.id,
      audioSha256: audio.sha256,
    });
    const today = todaySchema.parse((await ask(who, 'GET', '/api/today')).json());
    expect(today.broadcasts.map(({ id }) => id)).toEqual([broadcast.id]);
  });

  it.each([
    ['GET', `/api/broadcasts/{id}`],
    ['POST', `/api/broadcasts/{id}/stop`],
  ] as const)('is not there for an operator of another commune: %s %s', async (method, url) => {
    const answer = await ask('foreigner', method, url.replace('{id}', broadcast.id));
    expect([answer.statusCode, errorOf(answer).code]).toEqual([404, 'NOT_FOUND']);
    const today = todaySchema.parse((await ask('foreigner', 'GET', '/api/today')).json());
    expect(today.broadcasts).toEqual([]);
  });

  it.each([
    ['to units of others', () => wanted(['mai-son'], 60), 404, 'NOT_FOUND'],
    ['to the district, by one of its communes', () => wanted(['luc-yen'], 60), 404, 'NOT_FOUND'],
    ['to nobody', () => wanted([], 60), 422, 'NO_RECEIVER'],
    ['in the past', () => wanted(['an-lac'], -60), 422, 'TIME_PAST'],
    ['without a title', () => ({ ...wanted(['an-lac'], 60), title: '  ' }), 400, 'INPUT_INVALID'],
    ['as an emergency', () => ({ ...wanted(['an-lac'], 60), priority: 'emergency' }), 400, 'INPUT_INVALID'],
  ] as const)('%s is refused', async (_what, payload, status, code) => {
    const answer = await ask('operator', 'POST', '/api/broadcasts', payload());
    expect([answer.statusCode, errorOf(answer).code]).toEqual([status, code]);
  });

  it('that is malformed names the field', async () => {
    const payload = { ...wanted(['an-lac'], 60), unitIds: ['an-lac', 7] };
    expect(errorOf(await ask('operator', 'POST', '/api/broadcasts', payload)).field).toBe('unitIds.1');
  });
});

describe('what belongs to another commune', () => {
  it('is left out of the list of units', async () => {
    const units = z.array(unitSchema).parse((await ask('foreigner', 'GET', '/api/units')).json());
    expect(units.map(({ id, deviceCount }) => [id, deviceCount])).toEqual([['mai-son', 1]]);
  });

  it('can not be listened to', async () => {
    const url = `/api/devices/${station.receiver.deviceId}/listen`;
    const answer = await ask('foreigner', 'POST', url, { from: null, durationMs: 1_000 });
    expect([answer.statusCode, errorOf(answer).code]).toEqual([404, 'NOT_FOUND']);
    expect(errorOf(await ask('operator', 'POST', url, { from: null, durationMs: 1_000 })).code).toBe(
      'DEVICE_OFFLINE',
    );
  });
});

describe('a receiver', () => {
  it('fetches what stands in its plan, in parts, by its SHA-256', async () => {
    const whole = await fetchAsset(audio.sha256);
    expect([whole.statusCode, whole.headers.etag]).toEqual([200, `"${audio.sha256}"`]);
    expect(whole.rawPayload.byteLength).toBe(audio.bytes);
    const rest = await fetchAsset(audio.sha256, { range: 'bytes=1000-' });
    expect(rest.statusCode).toBe(206);
    expect(rest.rawPayload).toEqual(whole.rawPayload.subarray(1_000));
  });

  it('fetches nothing else', async () => {
    const answer = await fetchAsset('0'.repeat(64));
    expect([answer.statusCode, errorOf(answer).code]).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    ['nobody asked for', Buffer.from('OggS'), 404, 'NOT_FOUND'],
    ['larger than 2 MiB', Buffer.alloc(2 * 1024 * 1024 + 1), 400, 'INPUT_INVALID'],
  ])('can not bring a recording that is %s', async (_what, payload, status, code) => {
    const answer = await station.console.app.inject({
      method: 'PUT',
      url: `/device/recordings/${'0'.repeat(32)}`,
      headers: { authorization: await station.receiver.authorization(), 'content-type': 'audio/ogg' },
      payload,
    });
    expect([answer.statusCode, errorOf(answer).code]).toEqual([status, code]);
  });

  it('gets the hour, signed, before it is known', async () => {
    const answer = await station.console.app.inject({ url: '/device/time?nonce=0123456789abcdef' });
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.body).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });
});

describe('stopping', () => {
  it('stops everything of the own receivers, with an empty JSON body too', async () => {
    const answer = await station.console.app.inject({
      method: 'POST',
      url: '/api/stop',
      cookies: station.cookies.foreigner,
      headers: { 'content-type': 'application/json' },
    });
    expect(stopAnswerSchema.parse(answer.json()).stopped).toEqual([]);
  });

  it('stops one broadcast once', async () => {
    const url = `/api/broadcasts/${broadcast.id}/stop`;
    const first = await ask('operator', 'POST', url);
    expect(stopAnswerSchema.parse(first.json())).toEqual({ stopped: [broadcast.id], deviceCount: 1 });
    const second = await ask('operator', 'POST', url);
    expect([second.statusCode, errorOf(second).code]).toEqual([409, 'BROADCAST_OVER']);
  });
});
