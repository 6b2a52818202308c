import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepLine } from '@loalang/scheduler/testing';
import { healthSchema, type TimeAlarm, todaySchema } from '@loalang/shared';
import { startStation, type Station } from './testing/station.ts';

// The line is looked at four times a second.
const WAIT = { timeout: 20_000 };
let station: Station;
beforeAll(async () => {
  station = await startStation();
});
afterAll(() => station.close());

// Whether the clock of the machine that runs the tests is kept right is not theirs to say.
const ofLine = (alarms: TimeAlarm[]): TimeAlarm[] => alarms.filter((alarm) => alarm !== 'unsynchronised');

async function health(): Promise<{ alarms: TimeAlarm[]; offsetMs: number }> {
  const answer = await station.console.app.inject({ url: '/api/health' });
  const { alarms, offsetMs } = healthSchema.parse(answer.json()).time;
  return { alarms: ofLine(alarms), offsetMs };
}

test('a system clock that is off is told by the health of the server, and to who looks at today', async () => {
  await keepLine(station.dataFolder, -5_000_000);
  await expect.poll(health, WAIT).toEqual({ alarms: ['off'], offsetMs: -5_000 });
  const today = await station.console.app.inject({
    url: '/api/today',
    cookies: station.cookies.administrator,
  });
  expect(ofLine(todaySchema.parse(today.json()).timeAlarms)).toEqual(['off']);
  await keepLine(station.dataFolder, 0);
  await expect.poll(health, WAIT).toEqual({ alarms: [], offsetMs: 0 });
});
