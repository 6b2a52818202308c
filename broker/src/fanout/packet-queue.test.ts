import { mediaTime } from '@loalang/shared';
import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { PacketQueue, type Frame } from './packet-queue.ts';

const frame = (endsAt: number, bytes = 10): Frame => ({
  bytes: Buffer.alloc(bytes),
  arrivedAt: mediaTime(0),
  endsAt: mediaTime(endsAt),
});
const at = mediaTime;

function takeAll(queue: PacketQueue, now: number): { ends: number[]; expired: number } {
  const ends: number[] = [];
  let expired = 0;
  while (!queue.isEmpty) {
    const taken = queue.take(at(now));
    expired += taken.expired;
    if (taken.frame !== null) ends.push(taken.frame.endsAt);
  }
  return { ends, expired };
}

test('what can still be heard comes out in order, what has passed is dropped and counted', () => {
  const queue = new PacketQueue(1000);
  for (const endsAt of [10, 20, 30, 40]) queue.push(frame(endsAt), at(0));
  expect(takeAll(queue, 20)).toEqual({ ends: [30, 40], expired: 2 });
});

test('at the bound, all that has passed goes before anything that can be heard', () => {
  const queue = new PacketQueue(30);
  for (const endsAt of [50, 10, 60]) queue.push(frame(endsAt), at(0));
  expect(queue.push(frame(70), at(20))).toEqual({ expired: 1, overflow: 0 });
  expect(takeAll(queue, 20)).toEqual({ ends: [50, 60, 70], expired: 0 });
});

test('at the bound, where all can still be heard, the oldest goes', () => {
  const queue = new PacketQueue(30);
  for (const endsAt of [10, 20, 30]) queue.push(frame(endsAt), at(0));
  expect(queue.push(frame(40), at(0))).toEqual({ expired: 0, overflow: 1 });
  expect(takeAll(queue, 0)).toEqual({ ends: [20, 30, 40], expired: 0 });
});

test('the bound holds, and every packet is either taken or counted', () => {
  const pushes = fc.array(
    fc.record({ wait: fc.nat(20), life: fc.nat(100), bytes: fc.integer({ min: 1, max: 50 }) }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(pushes, (steps) => {
      const queue = new PacketQueue(200);
      let now = 0;
      let dropped = 0;
      for (const { wait, life, bytes } of steps) {
        now += wait;
        const { expired, overflow } = queue.push(frame(now + life, bytes), at(now));
        dropped += expired + overflow;
        expect(queue.bytes).toBeLessThanOrEqual(200);
      }
      const { ends, expired } = takeAll(queue, now);
      expect(ends.every((endsAt) => endsAt > now)).toBe(true);
      expect(ends.length + expired + dropped).toBe(steps.length);
      expect(queue.bytes).toBe(0);
    }),
    { seed: 3, numRuns: 300 * inject('soak') },
  );
});
