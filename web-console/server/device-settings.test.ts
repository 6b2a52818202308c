import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { todaySchema } from '@loalang/shared';
import { startStation, type Station, type Who } from './testing/station.ts';

let station: Station;
beforeAll(async () => {
  station = await startStation();
});
afterAll(() => station.close());

const set = (who: Who, acousticOffsetMs: unknown) =>
  station.console.app.inject({
    method: 'PUT',
    url: `/api/devices/${station.receiver.deviceId}`,
    cookies: station.cookies[who],
    payload: { acousticOffsetMs },
  });

async function shownMs(): Promise<number | undefined> {
  const answer = await station.console.app.inject({
    url: '/api/today',
    cookies: station.cookies.administrator,
  });
  const { devices } = todaySchema.parse(answer.json());
  return devices.find(({ id }) => id === station.receiver.deviceId)?.acousticOffsetMs;
}

describe('the acoustic offset of a receiver', () => {
  it.each(['operator', 'administrator'] as const)('is set by an %s of its unit or above', async (who) => {
    for (const acousticOffsetMs of [2_000, 0]) {
      const answer = await set(who, acousticOffsetMs);
      expect([answer.statusCode, answer.json()]).toEqual([200, { acousticOffsetMs }]);
      expect(await shownMs()).toBe(acousticOffsetMs);
    }
  });

  it('is not set from another commune', async () => {
    expect((await set('foreigner', 100)).statusCode).toBe(404);
    expect(await shownMs()).toBe(0);
  });

  it.each([-1, 2_001, 0.5, '10', null])('is never %j', async (value) => {
    expect((await set('administrator', value)).statusCode).toBe(400);
    expect(await shownMs()).toBe(0);
  });
});
