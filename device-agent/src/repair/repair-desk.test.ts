import { expect, test } from 'vitest';
import { mediaTime, type LiveStream, type RepairRequest } from '@loalang/shared';
import type { Gap } from '../playout/index.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { RepairDesk } from './repair-desk.ts';

const id = 'ab'.repeat(16);
const stream: LiveStream = {
  id,
  title: '',
  priority: 'normal',
  startAt: mediaTime(0),
  latencyMs: 1_200,
  expiresAt: mediaTime(1e15),
  key: '',
};
const MEDIA_US = 1_700_000_000_000_000;

function open() {
  const clock = new HandClock();
  const sent: RepairRequest[] = [];
  const tails: (number | null)[] = [];
  const world = {
    streams: [stream],
    gaps: [] as Gap[],
    isHourKnown: true,
    /** How long the thread takes to tell of another stream. */
    otherAnswers: Promise.resolve(),
  };
  const mediaUs = (): number => MEDIA_US + clock.nowUs();
  const desk = new RepairDesk({
    clock,
    mediaNow: () => (world.isHourKnown ? mediaTime(mediaUs()) : null),
    streams: () => world.streams,
    gaps: async (streamId, _, tailUntilUs) => {
      tails.push(tailUntilUs === null ? null : tailUntilUs - mediaUs());
      if (streamId !== id) await world.otherAnswers;
      return world.gaps;
    },
    send: (request) => sent.push(request) > 0,
  });
  const miss = (sequence: number, frames: number, inMs = 1_000): void => {
    world.gaps = [{ sequence, frames, dueUs: mediaUs() + inMs * 1000 }];
  };
  let sequence = 0;
  /** A packet comes, some others before it having been lost. */
  const arrive = (lost = 30): void => {
    desk.arrived(id, (sequence += lost), 3);
    sequence += 3;
  };
  return { clock, sent, tails, world, desk, miss, arrive };
}

/** Lets the desk get its answers. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

test('asks as soon as a packet shows that some before it never came', async () => {
  const { sent, desk, miss, arrive } = open();
  void desk.start();
  await settle();
  miss(7, 3);
  arrive();
  await settle();
  expect(sent).toEqual([{ streamId: id, missing: [{ sequence: 7, frames: 3 }] }]);
  expect(desk.isExpected(id, 9, 1)).toBe(true);
  expect(desk.isExpected(id, 10, 1)).toBe(false);
  expect(desk.isExpected('cd'.repeat(16), 9, 1)).toBe(false);
});

test('after a reconnect it also asks for what follows its last packet, until the stream is heard again', async () => {
  const { tails, desk, arrive } = open();
  void desk.start();
  await settle();
  arrive();
  await settle();
  desk.stop();
  void desk.start();
  await settle();
  expect(tails).toEqual([1_800_000, null, 1_800_000]);
});

test('asks again by itself while nothing comes, and not once it is all there', async () => {
  const { clock, sent, world, desk, miss, arrive } = open();
  void desk.start();
  await settle();
  miss(7, 3, 1_500);
  arrive();
  await settle();
  clock.advance(600);
  await settle();
  expect(sent).toHaveLength(1);
  clock.advance(10);
  await settle();
  expect(sent).toHaveLength(2);
  world.gaps = [];
  clock.advance(5_000);
  await settle();
  expect(sent).toHaveLength(2);
});

test('a longer round trip gives up sooner on what an answer could no longer bring', async () => {
  const { sent, desk, miss, arrive } = open();
  desk.learnRoundTrip([900_000, 400_000, 700_000]);
  desk.learnRoundTrip([]);
  void desk.start();
  await settle();
  miss(10, 30, 100);
  arrive();
  await settle();
  expect(sent).toEqual([{ streamId: id, missing: [{ sequence: 26, frames: 14 }] }]);
});

test.each(['the link', 'the hour', 'the stream'])('without %s it asks for nothing', async (what) => {
  const { clock, sent, world, desk, miss, arrive } = open();
  void desk.start();
  await settle();
  miss(7, 3);
  if (what === 'the link') desk.stop();
  if (what === 'the hour') world.isHourKnown = false;
  if (what === 'the stream') world.streams = [];
  arrive();
  await settle();
  clock.advance(5_000);
  await settle();
  expect(sent).toEqual([]);
});

test('packets that follow on one another are not looked behind, until one is missing and while it is', async () => {
  const { tails, world, desk, miss, arrive } = open();
  void desk.start();
  await settle();
  const looksAfter = async (lost: number): Promise<number> => {
    const before = tails.length;
    arrive(lost);
    await settle();
    return tails.length - before;
  };
  expect([await looksAfter(0), await looksAfter(0), await looksAfter(0)]).toEqual([1, 0, 0]);
  miss(7, 3);
  expect([await looksAfter(3), await looksAfter(0)]).toEqual([1, 1]);
  world.gaps = [];
  expect([await looksAfter(0), await looksAfter(0)]).toEqual([1, 0]);
});

test('a link that goes while one of two streams has been asked about is looked at no more', async () => {
  const { clock, sent, tails, world, desk, miss } = open();
  let answer = (): void => undefined;
  world.streams = [stream, { ...stream, id: 'cd'.repeat(16) }];
  world.otherAnswers = new Promise((resolve) => (answer = resolve));
  miss(7, 3);
  void desk.start();
  await settle();
  expect(sent).toHaveLength(1);
  desk.stop();
  answer();
  await settle();
  const looks = tails.length;
  clock.advance(5_000);
  await settle();
  expect([sent.length, tails.length]).toEqual([1, looks]);
});

test('a stream that is over is forgotten: no answer for it is expected any more', async () => {
  const { world, desk, miss, arrive } = open();
  void desk.start();
  await settle();
  miss(7, 3);
  arrive();
  await settle();
  world.streams = [];
  arrive();
  await settle();
  expect(desk.isExpected(id, 7, 1)).toBe(false);
});
