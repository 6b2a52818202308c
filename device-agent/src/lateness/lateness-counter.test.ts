import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { CANDIDATE_LATENCIES_MS, latenessSchema, mediaTime, type AudioPacket } from '@loalang/shared';
import { LatenessCounter } from './lateness-counter.ts';

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
const candidates = CANDIDATE_LATENCIES_MS;
const below = (latencyMs: number): number => candidates.filter((each) => each < latencyMs).length;

test.each([
  { onWayMs: 0, late: 0 },
  { onWayMs: 150, late: 0 },
  { onWayMs: 151, late: 1 },
  { onWayMs: 1_200, late: below(1_200) },
  { onWayMs: 9_936, late: candidates.length },
])('$onWayMs ms on the way is late at every latency below', ({ onWayMs, late }) => {
  const counter = new LatenessCounter(LATENCY_MS);
  counter.count(packet(5), arrival(5, onWayMs));
  expect(counter.report('')).toEqual({
    streamId: '',
    packets: 1,
    late: Array.from({ length: late }, () => 1),
  });
});

test('packets that never came count as if they had come with the next: an outage shows at each latency it outlasts', () => {
  const counter = new LatenessCounter(LATENCY_MS);
  counter.count(packet(0), arrival(0, 50));
  // Twenty packets are missing: 1.2 s, and the first that comes after them is on its way for 50 ms.
  counter.count(packet(21), arrival(21, 50));
  expect(counter.packets).toBe(22);
  const { late } = counter.report('');
  const at = (latencyMs: number): number => late[candidates.indexOf(latencyMs)] ?? 0;
  expect([150, 296, 733, 1_030, 1_153, 1_292].map(at)).toEqual([19, 16, 9, 4, 2, 0]);
  expect(late).toHaveLength(below(1_250));
});

test('a report of a quarter of an hour has 330 bytes at most', () => {
  const counter = new LatenessCounter(LATENCY_MS);
  for (let index = 0; index < 15_000; index += 1) counter.count(packet(index), arrival(index, 20_000));
  const report = counter.report('ab'.repeat(16));
  expect(latenessSchema.safeParse(report).success).toBe(true);
  expect(JSON.stringify(report).length).toBeLessThanOrEqual(330);
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
      expect(latenessSchema.safeParse({ streamId: 'ab'.repeat(16), packets, late }).success).toBe(true);
    }),
    { seed: 22, numRuns: 100 * inject('soak') },
  );
});
