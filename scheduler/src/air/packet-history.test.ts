import { addMs, encodeAudioPacket, mediaTime, type MediaTime } from '@loalang/shared';
import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { PacketHistory } from './packet-history.ts';

const streamId = 'ab'.repeat(16);
const start = mediaTime(1_700_000_000_000_000);
const LATENCY_MS = 1_200;

function packet(sequence: number, at: MediaTime, frames = 3): Uint8Array {
  const one = Uint8Array.of(0xf8, 0xff, 0xfe);
  return encodeAudioPacket({ sequence, mediaTime: at, isLast: false, frames: Array(frames).fill(one) });
}

/** Packets of 60 ms, each published one latency before it is heard. */
function speak(history: PacketHistory, packets: number, first = 0): void {
  for (let index = 0; index < packets; index += 1) {
    const now = addMs(start, index * 60);
    history.keep(streamId, packet((first + 3 * index) % 2 ** 32, addMs(now, LATENCY_MS)), now);
  }
}

const sequences = (found: readonly Uint8Array[]): number[] =>
  found.map((bytes) => Buffer.from(bytes).readUInt32BE(4));

function opened(): PacketHistory {
  const history = new PacketHistory();
  history.open(streamId);
  return history;
}

test.each([
  { what: 'whole packets', missing: [{ sequence: 3, frames: 6 }], found: [3, 6] },
  { what: 'parts of packets', missing: [{ sequence: 5, frames: 2 }], found: [3, 6] },
  {
    what: 'ranges in any order, each packet once',
    missing: [
      { sequence: 9, frames: 1 },
      { sequence: 4, frames: 1 },
      { sequence: 10, frames: 1 },
    ],
    found: [3, 9],
  },
  { what: 'more than there is', missing: [{ sequence: 27, frames: 500 }], found: [27] },
  { what: 'what never was', missing: [{ sequence: 4_000, frames: 500 }], found: [] },
])('finds $what', ({ missing, found }) => {
  const history = opened();
  speak(history, 10);
  expect(sequences(history.find({ streamId, missing }, start))).toEqual(found);
});

test('numbers go on over their end', () => {
  const history = opened();
  speak(history, 4, 2 ** 32 - 6);
  const missing = [{ sequence: 2 ** 32 - 1, frames: 3 }];
  expect(sequences(history.find({ streamId, missing }, start))).toEqual([2 ** 32 - 3, 0]);
});

test('what has been heard is not sent again', () => {
  const history = opened();
  speak(history, 5);
  const missing = [{ sequence: 0, frames: 500 }];
  const heard = addMs(start, LATENCY_MS + 2 * 60);
  expect(sequences(history.find({ streamId, missing }, addMs(heard, -0.001)))).toEqual([3, 6, 9, 12]);
  expect(sequences(history.find({ streamId, missing }, heard))).toEqual([6, 9, 12]);
});

test('holds what can be heard and 2 s more, of open streams only', () => {
  const history = opened();
  speak(history, 200);
  const missing = [
    { sequence: 0, frames: 500 },
    { sequence: 500, frames: 500 },
  ];
  // Looked at from the beginning, so that all that is held is found: 3.26 s, those that have only begun included.
  expect(sequences(history.find({ streamId, missing }, start))).toHaveLength(55);
  history.drop(streamId);
  history.keep(streamId, packet(0, addMs(start, 60_000)), start);
  expect(history.find({ streamId, missing }, start)).toEqual([]);
});

test('however a stream is stamped, it costs no more than 900 packets, and the newest stay', () => {
  const anyPackets = fc.array(fc.record({ waitMs: fc.nat(30), aheadMs: fc.nat(15_000) }), {
    minLength: 900,
    maxLength: 1_100,
  });
  fc.assert(
    fc.property(anyPackets, (all) => {
      const history = opened();
      let now = start;
      all.forEach(({ waitMs, aheadMs }, index) => {
        now = addMs(now, waitMs / 10);
        history.keep(streamId, packet(index, addMs(now, aheadMs), 1), now);
      });
      const missing = [0, 400, 800].map((sequence) => ({ sequence, frames: 400 }));
      const found = sequences(history.find({ streamId, missing }, start));
      expect(found.length).toBeLessThanOrEqual(900);
      expect(found).toContain(all.length - 1);
    }),
    { seed: 31, numRuns: 20 * inject('soak') },
  );
});
