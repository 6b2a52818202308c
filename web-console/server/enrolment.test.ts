import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addedDeviceSchema, errorAnswerSchema, joinAnswerSchema, waitingBoardSchema } from '@loalang/shared';
import { generateSigningKey } from '@loalang/shared/signing';
import { startStation, type Station, type Who } from './testing/station.ts';

let station: Station;
let lastCode = 20_000_000;
beforeAll(async () => {
  station = await startStation();
});
afterAll(() => station.close());

const post = (who: Who, url: string, payload?: object) =>
  station.console.app.inject({
    method: 'POST',
    url,
    cookies: station.cookies[who],
    ...(payload === undefined ? {} : { payload }),
  });

/** A board that shows a code, as often as it is asked to. */
function newBoard() {
  lastCode += 1;
  const code = String(lastCode);
  const payload = { code, key: generateSigningKey().public, model: 'bo mạch thử', serial: 'S-7' };
  const ask = async () => joinAnswerSchema.parse((await post('nobody', '/device/join', payload)).json());
  return { code, ask };
}

function refusalOf({ statusCode, body }: { statusCode: number; body: string }): string {
  return `${statusCode} ${errorAnswerSchema.parse(JSON.parse(body)).error.code}`;
}

describe('adding a receiver', () => {
  it.each(['operator', 'administrator'] as const)('is for an %s: seen, added, joined', async (who) => {
    const board = newBoard();
    await board.ask();
    const seen = await post(who, '/api/boards', { code: board.code });
    expect(waitingBoardSchema.parse(seen.json())).toMatchObject({ serial: 'S-7', address: '127.0.0.1' });
    const place = { code: board.code, unitId: 'an-lac', number: who === 'operator' ? 5 : 6, name: 'Chợ' };
    const added = await post(who, '/api/devices', place);
    expect(added.statusCode).toBe(201);
    const { id } = addedDeviceSchema.parse(added.json());
    expect(await board.ask()).toMatchObject({ state: 'joined', deviceId: id });
  });

  it('says what is wrong, with the way out', async () => {
    const board = newBoard();
    await board.ask();
    const place = { code: board.code, unitId: 'an-lac', number: 1, name: 'Chợ' };
    expect(refusalOf(await post('operator', '/api/boards', { code: '99999999' }))).toBe('404 CODE_UNKNOWN');
    expect(refusalOf(await post('operator', '/api/boards', { code: 'IIII' }))).toBe('400 INPUT_INVALID');
    const taken = await post('operator', '/api/devices', place);
    expect(refusalOf(taken)).toBe('409 NUMBER_TAKEN');
    expect(taken.body).toContain('Số 1 ở đây đã có loa. Chọn số khác, ví dụ');
    expect(refusalOf(await post('foreigner', '/api/devices', { ...place, number: 8 }))).toBe('404 NOT_FOUND');
    const twin = await post('nobody', '/device/join', { code: board.code, key: 'B'.repeat(43), model: 'x' });
    expect(twin.json()).toEqual({ state: 'new-code' });
    expect(refusalOf(await post('operator', '/api/boards', { code: board.code }))).toBe('409 CODE_SHARED');
  });

  it('is slowed for whoever guesses, and for nobody else elsewhere', async () => {
    const answers: string[] = [];
    for (let index = 0; index < 21; index += 1) {
      const code = String(90_000_000 + index);
      answers.push(refusalOf(await post('foreigner', '/api/boards', { code })));
    }
    expect(answers.slice(0, 20)).toEqual(Array<string>(20).fill('404 CODE_UNKNOWN'));
    expect(answers[20]).toBe('429 TOO_MANY_REQUESTS');
    const board = newBoard();
    await board.ask();
    expect((await post('operator', '/api/boards', { code: board.code })).statusCode).toBe(200);
  });
});

describe('exchanging and retiring', () => {
  it('are for those to whom the receiver belongs', async () => {
    const board = newBoard();
    await board.ask();
    const { deviceId } = station.receiver;
    const exchange = `/api/devices/${deviceId}/board`;
    expect(refusalOf(await post('operator', exchange, { code: '99999998' }))).toBe('404 CODE_UNKNOWN');
    expect((await post('operator', exchange, { code: board.code })).json()).toEqual({ id: deviceId });
    const retire = `/api/devices/${deviceId}/retire`;
    expect(refusalOf(await post('foreigner', retire))).toBe('404 NOT_FOUND');
    expect((await post('administrator', retire)).json()).toEqual({ outcome: 'unreached' });
    expect(refusalOf(await post('administrator', retire))).toBe('404 NOT_FOUND');
    expect(await board.ask()).toMatchObject({ state: 'retired' });
  });
});
