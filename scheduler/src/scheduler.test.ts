import { addMs, clockResponseSchema, type Person } from '@loalang/shared';
import { identify, makeNonce, TrustStore } from '@loalang/shared/signing';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BROKER_NAME, Centre } from './testing/centre.ts';
import type { TestReceiver } from './testing/test-receiver.ts';

const centre = new Centre();
let district: Person;
let anLac: Person;
let maiSon: Person;
let [first, second, third]: TestReceiver[] = [];

beforeAll(async () => {
  await centre.start();
  district = await centre.person('huyen', 'district');
  anLac = await centre.person('an-lac', 'an-lac');
  maiSon = await centre.person('mai-son', 'mai-son');
  [first, second, third] = centre.receivers;
});
afterAll(async () => await centre.close());

async function send(person: Person, unitIds: string[], minutesAhead: number | null = 60) {
  const { broadcasts, clock } = centre.scheduler;
  const startAt = minutesAhead === null ? null : addMs(clock.now(), minutesAhead * 60_000);
  const audioId = await centre.addAudio(person);
  return await broadcasts.sendFile(person, {
    audioId,
    title: 'Thông báo',
    unitIds,
    startAt,
    priority: 'normal',
  });
}

function holds(receiver: TestReceiver | undefined, broadcastId: string): boolean {
  return receiver?.plans.all.at(-1)?.items.some((item) => item.broadcastId === broadcastId) ?? false;
}

test('a board that has joined gets a plan and a state that verify from the pinned root alone', () => {
  for (const { plans, nows, refused } of centre.receivers) {
    expect(plans.all.at(-1)?.items).toEqual([]);
    expect(nows.all.at(-1)).toMatchObject({ streams: [], stopped: [], volume: 100, isMuted: false });
    expect(nows.all.at(-1)?.certificates).toHaveLength(1);
    expect(refused.all).toEqual([]);
  }
});

test('a file sent to one commune changes the plans of its receivers and no others', async () => {
  const before = third?.plans.all.length;
  const broadcast = await send(district, ['an-lac']);
  expect(broadcast.places).toEqual(['An Lạc']);
  expect(broadcast.createdBy).toBe('huyen');
  expect(broadcast.cells).toEqual([
    { deviceId: first?.deviceId, state: 'waiting' },
    { deviceId: second?.deviceId, state: 'waiting' },
  ]);
  const plan = await first?.plans.find('the item', ({ items }) => items.length > 0);
  await second?.plans.find('the item', ({ items }) => items.length > 0);
  const { sha256 } = await centre.scheduler.library.get(broadcast.audioId ?? '');
  expect(plan?.items).toEqual([
    {
      broadcastId: broadcast.id,
      title: 'Thông báo',
      priority: 'normal',
      startAt: broadcast.startAt,
      durationMs: 10_000,
      asset: { sha256, bytes: 30_000 },
    },
  ]);
  expect(third?.plans.all).toHaveLength(before ?? -1);
  await centre.scheduler.broadcasts.stop(district, broadcast.id);
});

test('a stopped broadcast leaves the plans and is named in the states; a second stop says that it is over', async () => {
  const { id } = await send(district, ['an-lac', 'mai-son']);
  await third?.plans.find('the item', () => holds(third, id));
  const stopped = await centre.scheduler.broadcasts.stop(district, id);
  expect(stopped).toEqual({ stopped: [id], deviceCount: 3 });
  await Promise.all(
    centre.receivers.map(async ({ nows }) => await nows.find('the stop', (now) => now.stopped.includes(id))),
  );
  await third?.plans.find('an empty plan', () => !holds(third, id));
  await expect(centre.scheduler.broadcasts.stop(district, id)).rejects.toMatchObject({
    code: 'BROADCAST_OVER',
  });
  expect((await centre.scheduler.broadcasts.detail(district, id)).stoppedAt).not.toBeNull();
});

test('a commune that stops all silences its own part of a broadcast of the district, and only that', async () => {
  const { id } = await send(district, ['an-lac', 'mai-son'], null);
  const later = await send(district, ['an-lac']);
  await expect(centre.scheduler.broadcasts.stopAll(anLac)).resolves.toEqual({
    stopped: [id],
    deviceCount: 2,
  });
  await first?.nows.find('the stop', (now) => now.stopped.includes(id));
  await third?.plans.find('the item', () => holds(third, id));
  expect(third?.nows.all.some((now) => now.stopped.includes(id))).toBe(false);
  await first?.plans.find('the later item', () => holds(first, later.id));
  const seen = await centre.scheduler.broadcasts.detail(district, id);
  expect(seen.stoppedAt).toBeNull();
  await expect(centre.scheduler.broadcasts.stopAll(district)).resolves.toEqual({
    stopped: [id],
    deviceCount: 1,
  });
  await centre.scheduler.broadcasts.stop(district, later.id);
});

test('stop all stops more than a page can show', async () => {
  const { broadcasts, clock } = centre.scheduler;
  const { id: model } = await send(district, ['mai-son'], null);
  await centre.db.execute(sql`
    insert into broadcasts select md5(i::text), kind, title, priority, start_at, end_at, null, audio_id, unit_ids, created_at, created_by
    from broadcasts, generate_series(1, 1100) i where id = ${model}`);
  await centre.db.execute(sql`
    insert into broadcast_devices select md5(i::text), device_id, null, null
    from broadcast_devices, generate_series(1, 1100) i where broadcast_id = ${model}`);
  const { stopped } = await broadcasts.stopAll(maiSon);
  expect(stopped).toHaveLength(1101);
  await centre.db.execute(sql`update broadcasts set end_at = ${clock.now()} where stopped_at is not null`);
});

test('many who send and stop at the same time are all served, and the last plan holds what is left', async () => {
  const sent = await Promise.all(
    Array.from(
      { length: 12 },
      async (_, n) => await send(n % 2 === 0 ? district : anLac, ['an-lac'], 60 + n),
    ),
  );
  const [kept, dropped] = [sent.slice(0, 6), sent.slice(6)];
  await Promise.all(dropped.map(async ({ id }) => await centre.scheduler.broadcasts.stop(anLac, id)));
  const plan = await first?.plans.find(
    'the last plan',
    ({ items }) =>
      items.length === 6 && items.every(({ broadcastId }) => kept.some(({ id }) => id === broadcastId)),
  );
  expect(plan?.items.map(({ broadcastId }) => broadcastId)).toEqual(kept.map(({ id }) => id));
  const numbers = first?.plans.all.map(({ revision }) => revision.n) ?? [];
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  await Promise.all(kept.map(async ({ id }) => await centre.scheduler.broadcasts.stop(district, id)));
});

test.each([
  { what: 'no unit', unitIds: [], code: 'NO_RECEIVER' },
  { what: 'a unit without receivers', unitIds: ['empty'], code: 'NO_RECEIVER' },
  { what: 'a unit that does not exist', unitIds: ['nowhere'], code: 'NOT_FOUND' },
])('a file for $what is refused with $code', async ({ unitIds, code }) => {
  await expect(send(district, unitIds)).rejects.toMatchObject({ code });
});

test('units of others and broadcasts of others are not there', async () => {
  await expect(send(anLac, ['mai-son'])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const { id } = await send(anLac, ['an-lac']);
  await expect(centre.scheduler.broadcasts.detail(maiSon, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(centre.scheduler.broadcasts.stop(maiSon, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const today = await centre.scheduler.broadcasts.today(maiSon);
  expect(today.devices.map((device) => device.id)).toEqual([third?.deviceId]);
  expect(today.broadcasts.map((broadcast) => broadcast.id)).not.toContain(id);
  await centre.scheduler.broadcasts.stop(anLac, id);
});

test('a time in the past, one beyond a week, and quiet hours are refused', async () => {
  await expect(send(anLac, ['an-lac'], -1)).rejects.toThrow(/^TIME_PAST: The time \d\d:\d\d/);
  await expect(send(anLac, ['an-lac'], 7 * 24 * 60 + 1)).rejects.toMatchObject({ code: 'TIME_TOO_FAR' });
  const quietHours = [
    { from: '00:00', to: '12:00' },
    { from: '12:00', to: '00:00' },
  ];
  await centre.scheduler.units.setPolicy('mai-son', { utcOffsetMinutes: 420, quietHours });
  await centre.scheduler.refreshPlans();
  await third?.plans.find('the policy', ({ policy }) => policy.quietHours.length === 2);
  await expect(send(district, ['mai-son'])).rejects.toMatchObject({ code: 'QUIET_HOURS' });
  await centre.scheduler.units.setPolicy('mai-son', null);
  await centre.scheduler.refreshPlans();
});

test('only what a receiver has to play may be fetched by it', async () => {
  const { id, audioId } = await send(district, ['an-lac']);
  const { sha256 } = await centre.scheduler.library.get(audioId ?? '');
  const { fleet, broadcasts } = centre.scheduler;
  await expect(fleet.mayFetchAsset(first?.deviceId ?? '', sha256)).resolves.toBe(true);
  await expect(fleet.mayFetchAsset(third?.deviceId ?? '', sha256)).resolves.toBe(false);
  await broadcasts.stop(district, id);
  await expect(fleet.mayFetchAsset(first?.deviceId ?? '', sha256)).resolves.toBe(false);
});

test('a clock request is answered with its nonce and both stamps, signed by the time key that the state certifies', async () => {
  const receiver = centre.receiver(0);
  const nonce = makeNonce();
  const before = centre.scheduler.clock.now();
  await receiver.publish('clock/req', JSON.stringify({ nonce, t1: 123_456 }));
  const jws = await receiver.clockAnswers.find('the answer', () => true);
  const certificate = receiver.nows.all.at(-1)?.certificates[0] ?? '';
  const trust = new TrustStore(centre.scheduler.rootPublic);
  expect(await trust.learn(certificate)).toBeNull();
  const answer = await trust.verify(jws, { purpose: 'time', schema: clockResponseSchema, now: before });
  if (!answer.ok) throw new Error(answer.reason);
  expect(answer.payload).toMatchObject({ device: receiver.deviceId, nonce, t1: 123_456 });
  expect(answer.payload.t2).toBeGreaterThanOrEqual(before);
  expect(answer.payload.t3).toBeGreaterThanOrEqual(answer.payload.t2);
});

test('a receiver is known by its credential and a token that works once', async () => {
  const { fleet, clock, rootPublic } = centre.scheduler;
  const { credential, deviceId } = centre.receiver(0);
  const token = await centre.receiver(0).token(BROKER_NAME, clock.now());
  await expect(fleet.identify(credential, token)).resolves.toBe(deviceId);
  await expect(fleet.identify(credential, token)).resolves.toBeNull();
  const elsewhere = await centre.receiver(0).token('other', clock.now());
  await expect(fleet.identify(credential, elsewhere)).resolves.toBeNull();
  const foreign = await centre.receiver(1).token(BROKER_NAME, clock.now());
  await expect(fleet.identify(credential, foreign)).resolves.toBeNull();
  // After the credential key's next renewal, and to the end of its year, the broker must still believe it.
  const late = addMs(clock.now(), 360 * 86_400_000);
  const shown = { credential, token: await centre.receiver(0).token(BROKER_NAME, late) };
  const identified = await identify(new TrustStore(rootPublic), shown, { audience: BROKER_NAME, now: late });
  expect(identified).toMatchObject({ ok: true });
});

test('a code works once, its board gets its credential again, and an unknown code waits', async () => {
  const { enrolment } = centre.scheduler;
  const { key, deviceId } = centre.receiver(0);
  const again = await enrolment.join({ code: 'AAAA2222', key: key.public, model: 'test board' });
  expect(again).toMatchObject({
    state: 'joined',
    deviceId,
    broker: { url: centre.broker.url, name: BROKER_NAME },
  });
  const stranger = 'A'.repeat(43);
  await expect(enrolment.join({ code: 'AAAA2222', key: stranger, model: 'x' })).resolves.toEqual({
    state: 'waiting',
  });
  await expect(enrolment.join({ code: 'ZZZZ9999', key: stranger, model: 'x' })).resolves.toEqual({
    state: 'waiting',
  });
});
