import { afterAll, beforeAll, expect, test } from 'vitest';
import { Centre } from '../testing/centre.ts';

const centre = new Centre();

beforeAll(async () => await centre.start());
afterAll(async () => await centre.close());

test('what the receivers of a stream say makes the latency of their next one', async () => {
  const person = await centre.person('an-lac', 'an-lac');
  const { air } = centre.scheduler;
  const goLive = async (latency?: 'sure') => {
    const start = { type: 'start', title: 'Nói trực tiếp', codec: 'opus' } as const;
    const session = await air.goLive(person, { ...start, unitIds: ['an-lac'], latency });
    await session.end();
    return session;
  };
  const { latencyMs, streamId } = await goLive();
  expect(latencyMs).toBe(1_200);
  expect((await goLive('sure')).latencyMs).toBe(2_500);
  const tell = async (receiver: number, late: number[]): Promise<void> =>
    await centre.receiver(receiver).publish('lateness', JSON.stringify({ streamId, packets: 1_500, late }));
  // Not spoken to, so not listened to.
  await tell(
    2,
    Array.from({ length: 30 }, () => 1_500),
  );
  await tell(0, [20]);
  await expect.poll(async () => (await goLive()).latencyMs).toBe(400);
  expect(await air.latencies(person, ['an-lac'])).toEqual({
    latencyMs: { fast: 400, balanced: 400, sure: 400 },
    recommended: 'balanced',
  });
  expect((await goLive('sure')).latencyMs).toBe(400);
});
