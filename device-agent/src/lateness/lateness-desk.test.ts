import { expect, test } from 'vitest';
import { mediaTime, type AudioPacket, type Lateness, type LiveStream } from '@loalang/shared';
import { HandClock } from '../testing/hand-clock.ts';
import { LatenessDesk } from './lateness-desk.ts';

const id = 'ab'.repeat(16);
const stream: LiveStream = {
  id,
  title: '',
  priority: 'normal',
  startAt: mediaTime(0),
  latencyMs: 500,
  expiresAt: mediaTime(1e9),
  key: '',
};
const packet = (index: number, isLast = false): AudioPacket => ({
  sequence: index,
  mediaTime: mediaTime(index * 20_000 + 500_000),
  isLast,
  frames: [Uint8Array.of(1)],
});

function open() {
  const clock = new HandClock();
  const sent: Lateness[] = [];
  let isUp = true;
  const desk = new LatenessDesk({ clock, send: (report) => isUp && sent.push(report) > 0 });
  desk.follow([stream]);
  const hear = (index: number, isLast = false): void =>
    desk.count(id, packet(index, isLast), mediaTime(index * 20_000));
  return { clock, sent, desk, hear, setUp: (up: boolean) => (isUp = up) };
}

test('reports every 10 s while a stream is heard, with all its packets so far, and when it ends', () => {
  const { clock, sent, hear } = open();
  hear(0);
  clock.advance(9_999);
  expect(sent).toEqual([]);
  clock.advance(1);
  hear(1);
  clock.advance(10_000);
  clock.advance(10_000);
  hear(2, true);
  expect(sent.map(({ streamId, packets }) => [streamId, packets])).toEqual([
    [id, 1],
    [id, 2],
    [id, 3],
  ]);
});

test('a stream that is taken off the air is reported a last time, and forgotten', () => {
  const { clock, sent, desk, hear } = open();
  hear(0);
  desk.follow([]);
  expect(sent).toHaveLength(1);
  hear(1);
  clock.advance(60_000);
  expect(sent).toHaveLength(1);
});

test('what could not be sent is in the next report', () => {
  const { clock, sent, hear, setUp } = open();
  hear(0);
  setUp(false);
  clock.advance(10_000);
  setUp(true);
  clock.advance(10_000);
  expect(sent.map(({ packets }) => packets)).toEqual([1]);
});

test('what is not followed is not counted', () => {
  const { clock, sent, desk } = open();
  desk.count('cd'.repeat(16), packet(0), mediaTime(0));
  clock.advance(60_000);
  expect(sent).toEqual([]);
});
