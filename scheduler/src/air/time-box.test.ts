import { afterAll, beforeAll, expect, test } from 'vitest';
import { Centre } from '../testing/centre.ts';

const centre = new Centre();
const TIME_BOX_MS = 150;

beforeAll(async () => await centre.start({ latencyMs: 100, timeBoxMs: TIME_BOX_MS }));
afterAll(async () => await centre.close());

test('a microphone ends with its time box, which its speaker is told and its receivers knew from the start', async () => {
  const person = await centre.person('an-lac', 'an-lac');
  const start = { type: 'start', title: 'Nói trực tiếp', unitIds: ['an-lac'], codec: 'opus' } as const;
  const session = await centre.scheduler.air.goLive(person, { ...start, unitIds: [...start.unitIds] });
  await expect(new Promise((resolve) => session.onEnded(resolve))).resolves.toBe('time-box');
  expect(centre.scheduler.clock.now()).toBeGreaterThanOrEqual(session.endsAt - 2_000);
  const now = await centre.receiver(0).nows.find('the announcement', ({ streams }) => streams.length === 1);
  const [stream] = now.streams;
  expect(stream?.expiresAt).toBe(session.endsAt + 100_000);
  expect(session.endsAt - (stream?.startAt ?? 0)).toBe(TIME_BOX_MS * 1_000);
  const { stoppedAt, endAt } = await centre.scheduler.broadcasts.detail(person, session.broadcastId);
  expect(stoppedAt).toBe(endAt);
});
