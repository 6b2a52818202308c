import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { mediaTime, type AudioPacket } from '@loalang/shared';
import { CANDIDATE_LATENCIES_MS, LatenessCounter } from './lateness-counter.ts';

const START = 1_000_000_000;
const LATENCY_MS = 1_200;

/** A packet of three frames, stamped with the whole latency. */
const packet = (index: number): AudioPacket => ({
  sequence: (index * 3) % 2 ** 32,
  mediaTime: mediaTime(START + index * 60_000 + LATENCY_MS * 1000),
  isLast: false,
  frames: [Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1)],
});
/** When it arrives after so long on its way. */
const arrival = (index: number, onWayMs: number): number => START + index * 60_000 + onWayMs * 1000;
const lateAt = (counter: LatenessCounter): Record<number, number> =>
  Object.fromEntries(counter.report('').late.map(({ latencyMs, packets }) => [latencyMs, packets]));

test.each([
  { onWayMs: 0, late: [] },
  { onWayMs: 300, late: [] },
  { onWayMs: 301, late: [300] },
  { onWayMs: 1_200, late: [300, 400, 500, 600, 700, 850, 1_000] },
  { onWayMs: 1_201, late: [300, 400, 500, 600, 700, 850, 1_000, 1_200] },
  { onWayMs: 9_000, late: CANDIDATE_LATENCIES_MS },
])('$onWayMs ms on the way is late at every latency below', ({ onWayMs, late }) => {
  const counter = new LatenessCounter(LATENCY_MS);
  counter.count(packet(5), arrival(5, onWayMs));
  const found = counter.report('').late.filter(({ packets }) => packets > 0);
  expect(found.map(({ latencyMs }) => latencyMs)).toEqual(late);
  expect(counter.packets).toBe(1);
});

test('what the platform recommends from is among the candidates', () => {
  for (const setting of [700, 1_200, 2_500]) expect(CANDIDATE_LATENCIES_MS).toContain(setting);
});

test('packets that never came count as if they had come with the next: an outage shows at each latency it outlasts', () => {
  const counter = new LatenessCounter(LATENCY_MS);
  counter.count(packet(0), arrival(0, 50));
  // Twenty packets are missing: 1.2 s, and the first that comes after them is on its way for 50 ms.
  counter.count(packet(21), arrival(21, 50));
  expect(counter.packets).toBe(22);
  expect(lateAt(counter)).toMatchObject({ 300: 16, 700: 10, 1_000: 5, 1_200: 1, 1_450: 0 });
});

test('numbers that repeat, go back or jump far count nothing that never was', () => {
  const counter = new LatenessCounter(LATENCY_MS);
  counter.count(packet(100), arrival(100, 50));
  counter.count(packet(100), arrival(100, 50));
  counter.count(packet(99), arrival(99, 50));
  counter.count(packet(5_000), arrival(5_000, 50));
  expect(counter.packets).toBe(2);
});

test('numbers that wrap go on, and one from before it is old', () => {
  const counter = new LatenessCounter(LATENCY_MS);
  const numbered = (sequence: number, index: number): AudioPacket => ({ ...packet(index), sequence });
  counter.count(numbered(2 ** 32 - 1, 0), arrival(0, 50));
  counter.count(numbered(1, 0), arrival(0, 50));
  expect(counter.packets).toBe(1);
  counter.count(numbered(2, 1), arrival(1, 50));
  counter.count(numbered(5, 2), arrival(2, 50));
  expect(counter.packets).toBe(3);
});

test('whatever comes, counts fall with the latency and never exceed the packets', () => {
  const arrivals = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: -5_000, max: 20_000 })), {
    maxLength: 100,
  });
  fc.assert(
    fc.property(arrivals, (all) => {
      const counter = new LatenessCounter(LATENCY_MS);
      for (const [index, onWayMs] of all) counter.count(packet(index), arrival(index, onWayMs));
      const { packets, late } = counter.report('');
      late.reduce((before, each) => {
        expect(each.packets).toBeLessThanOrEqual(before);
        return each.packets;
      }, packets);
    }),
    { seed: 22, numRuns: 100 * inject('soak') },
  );
});
