import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStation, type Station, type Who } from './testing/station.ts';

let station: Station;
beforeAll(async () => {
  station = await startStation();
});
afterAll(() => station.close());

async function ask(who: Who, query: string): Promise<{ status: number; answer: unknown }> {
  const url = `/api/live/latencies${query}`;
  const answer = await station.console.app.inject({ url, cookies: station.cookies[who] });
  return { status: answer.statusCode, answer: answer.json<unknown>() };
}

// While no receiver has told anything; what they tell is tested where it is counted.
const first = { latencyMs: { fast: 700, balanced: 1_200, sure: 2_500 }, recommended: 'balanced' };

test.each([
  ['operator', '?unitIds=an-lac'],
  ['administrator', '?unitIds=luc-yen'],
  ['administrator', '?unitIds=an-lac&unitIds=mai-son'],
] as const)('the %s asks how late %s would hear', async (who, query) => {
  expect(await ask(who, query)).toEqual({ status: 200, answer: first });
});

test.each([
  ['foreigner', '?unitIds=an-lac', 404],
  ['operator', '?unitIds=an-lac&unitIds=mai-son', 404],
  ['operator', '', 400],
] as const)('the %s is not told of %j', async (who, query, status) => {
  expect((await ask(who, query)).status).toBe(status);
});
