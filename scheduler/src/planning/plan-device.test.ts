import { addMs, mediaTime, planSchema, type LiveStream, type Plan } from '@loalang/shared';
import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { isNowChanged, nowDevice, type NowContent } from './now-device.ts';
import { isPlanChanged, planDevice, type PlannedBroadcast } from './plan-device.ts';

const now = mediaTime(1_700_000_000_000_000);
const HOUR_MS = 3_600_000;
const acousticOffsetMs = 0;
const policy = { utcOffsetMinutes: 420, quietHours: [{ from: '21:00', to: '05:00' }] };

function broadcast(id: number, difference: Partial<PlannedBroadcast> = {}): PlannedBroadcast {
  return {
    id: id.toString(16).padStart(32, '0'),
    title: `Tin ${id}`,
    priority: 'normal',
    startAt: addMs(now, HOUR_MS),
    stoppedAt: null,
    audio: { sha256: 'ab'.repeat(32), bytes: 1_000, durationMs: 60_000 },
    ...difference,
  };
}

const titlesOf = (broadcasts: PlannedBroadcast[]) =>
  planDevice({ broadcasts, policy, acousticOffsetMs, now }).items.map(({ title }) => title);

test('a plan holds what is to come and what sounds now, by start and then by id', () => {
  const planned = [
    broadcast(3),
    broadcast(2, { startAt: addMs(now, 2 * HOUR_MS) }),
    broadcast(1),
    broadcast(4, { startAt: addMs(now, -61_999) }),
  ];
  expect(titlesOf(planned)).toEqual(['Tin 4', 'Tin 1', 'Tin 3', 'Tin 2']);
});

test.each([
  { what: 'stopped', difference: { stoppedAt: now } },
  { what: 'over, on receivers that sound later too', difference: { startAt: addMs(now, -62_000) } },
  { what: 'more than seven days away', difference: { startAt: addMs(now, 7 * 24 * HOUR_MS + 1) } },
])('a plan leaves out what is $what', ({ difference }) => {
  expect(titlesOf([broadcast(1, difference)])).toEqual([]);
});

test('a plan of any broadcasts fits its schema and does not depend on their order', () => {
  const any = fc.record({ id: fc.nat(5_000), startMs: fc.integer({ min: -HOUR_MS, max: 8 * 24 * HOUR_MS }) });
  fc.assert(
    fc.property(fc.uniqueArray(any, { selector: ({ id }) => id, maxLength: 60 }), (list) => {
      const broadcasts = list.map(({ id, startMs }) => broadcast(id, { startAt: addMs(now, startMs) }));
      const content = planDevice({ broadcasts, policy, acousticOffsetMs, now });
      expect(planDevice({ broadcasts: broadcasts.toReversed(), policy, acousticOffsetMs, now })).toEqual(
        content,
      );
      expect(planSchema.safeParse(signed(content)).success).toBe(true);
    }),
    { seed: 3, numRuns: 200 * inject('soak') },
  );
});

function signed(content: ReturnType<typeof planDevice>): Plan {
  const revision = { epoch: 1, n: 1 };
  return {
    type: 'plan',
    device: 'd-abcdefghij',
    revision,
    issuedAt: now,
    ...content,
    items: [...content.items],
  };
}

test('a new revision is needed for a change, not for time that has passed', () => {
  const held = signed(
    planDevice({ broadcasts: [broadcast(1), broadcast(2, { startAt: now })], policy, acousticOffsetMs, now }),
  );
  const later = addMs(now, 62_000);
  const wanted = planDevice({ broadcasts: [broadcast(1)], policy, acousticOffsetMs, now: later });
  expect(isPlanChanged(held, wanted, later)).toBe(false);
  expect(isPlanChanged(null, wanted, later)).toBe(true);
  expect(isPlanChanged(held, { ...wanted, items: [] }, later)).toBe(true);
  expect(isPlanChanged(held, { ...wanted, policy: { ...policy, quietHours: [] } }, later)).toBe(true);
  expect(isPlanChanged(held, { ...wanted, acousticOffsetMs: 1 }, later)).toBe(true);
});

const stream: LiveStream = {
  id: '01'.repeat(16),
  title: 'Nói trực tiếp',
  priority: 'priority',
  startAt: now,
  latencyMs: 1_200,
  expiresAt: addMs(now, 60_000),
  key: 'A'.repeat(43),
};
const ground = { streams: [stream], stopped: [], volume: 100, isMuted: false, certificates: ['a.b.c'], now };
const stopped = (endsInMs: number) => ({ id: '02'.repeat(16), endAt: addMs(now, endsInMs), stoppedAt: now });

test('a stop is told until a lagging receiver could no longer play what was stopped', () => {
  expect(nowDevice({ ...ground, stopped: [stopped(60_000)] }).stopped).toHaveLength(1);
  expect(nowDevice({ ...ground, stopped: [stopped(-13_999)] }).stopped).toHaveLength(1);
  expect(nowDevice({ ...ground, stopped: [stopped(-14_000)] }).stopped).toEqual([]);
});

test('of too many streams the newest four are announced, and none that has expired', () => {
  const streams = [1, 2, 3, 4, 5].map((n) => ({ ...stream, id: `0${n}`.repeat(16), startAt: addMs(now, n) }));
  const expired = { ...stream, id: '09'.repeat(16), startAt: addMs(now, 9), expiresAt: now };
  const announced = nowDevice({ ...ground, streams: [...streams, expired] }).streams;
  expect(announced.map(({ startAt }) => startAt - now)).toEqual([5_000, 4_000, 3_000, 2_000]);
});

test.each<{ what: string; difference: Partial<NowContent>; isChanged: boolean }>([
  { what: 'nothing', difference: {}, isChanged: false },
  { what: 'the end of a stop', difference: { stopped: [] }, isChanged: false },
  { what: 'a new stop', difference: { stopped: ['02'.repeat(16), '03'.repeat(16)] }, isChanged: true },
  { what: 'the end of a stream', difference: { streams: [] }, isChanged: true },
  { what: 'the volume', difference: { volume: 60 }, isChanged: true },
  { what: 'mute', difference: { isMuted: true }, isChanged: true },
  { what: 'a certificate', difference: { certificates: ['d.e.f'] }, isChanged: true },
])('a change of $what makes a new state of the moment: $isChanged', ({ difference, isChanged }) => {
  const content = nowDevice({ ...ground, stopped: [stopped(60_000)] });
  const revision = { epoch: 1, n: 1 };
  const held = { type: 'now', device: 'd-abcdefghij', revision, issuedAt: now, ...content } as const;
  const { streams, stopped: ids, certificates } = content;
  const mutable = { ...held, streams: [...streams], stopped: [...ids], certificates: [...certificates] };
  expect(isNowChanged(mutable, { ...content, ...difference })).toBe(isChanged);
});

test('a plan that was signed before there were offsets is read as one without, and needs no new revision', () => {
  const wanted = planDevice({ broadcasts: [broadcast(1)], policy, acousticOffsetMs, now });
  const { acousticOffsetMs: _, ...old } = signed(wanted);
  expect(isPlanChanged(planSchema.parse(old), wanted, now)).toBe(false);
});
