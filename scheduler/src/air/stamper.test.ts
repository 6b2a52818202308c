import { addUs, mediaTime, type AudioPacket, type MediaTime } from '@loalang/shared';
import { createOpusDecoder } from '@loalang/shared/opus';
import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { Packetizer } from './packetizer.ts';
import { firstStamp, stampFrame } from './stamper.ts';

const start = mediaTime(1_700_000_000_000_000);
const LATENCY_MS = 1_200;

test.each([
  { what: 'the first frame', nextAt: null, expected: { at: 1_200_000, isJump: true } },
  { what: 'a lead of the whole latency', nextAt: 1_200_000, expected: { at: 1_200_000, isJump: false } },
  { what: 'a lead of just half', nextAt: 600_000, expected: { at: 600_000, isJump: false } },
  { what: 'a lead below half', nextAt: 599_999, expected: { at: 1_200_000, isJump: true } },
  {
    what: 'a next frame that is due in the past',
    nextAt: -5_000_000,
    expected: { at: 1_200_000, isJump: true },
  },
  { what: 'a lead of one and a half', nextAt: 1_800_000, expected: { at: 1_800_000, isJump: false } },
  { what: 'a lead above one and a half', nextAt: 1_800_001, expected: null },
])('$what', ({ nextAt, expected }) => {
  const state = { nextAt: nextAt === null ? null : addUs(start, nextAt), sequence: 41 };
  const stamp = stampFrame(state, start, LATENCY_MS);
  if (expected === null) expect(stamp).toEqual({ kind: 'left-out', next: state });
  else {
    expect(stamp).toEqual({
      kind: 'stamped',
      sequence: 41,
      mediaTime: addUs(start, expected.at),
      isJump: expected.isJump,
      next: { nextAt: addUs(start, expected.at + 20_000), sequence: 42 },
    });
  }
});

test('numbers wrap at 32 bits', () => {
  expect(stampFrame({ nextAt: null, sequence: 2 ** 32 - 1 }, start, LATENCY_MS).next.sequence).toBe(0);
});

test('however frames come: numbers without a gap, times that never overlap, a lead that stays within its bounds', () => {
  const gapsUs = fc.array(fc.oneof(fc.nat(40_000), fc.nat(3_000_000)), { maxLength: 300 });
  fc.assert(
    fc.property(gapsUs, (gaps) => {
      let state = firstStamp;
      let now = start;
      for (const gapUs of gaps) {
        now = addUs(now, gapUs);
        const before = state;
        const stamp = stampFrame(state, now, LATENCY_MS);
        state = stamp.next;
        if (stamp.kind === 'left-out') continue;
        expect(stamp.sequence).toBe(before.sequence);
        expect(stamp.mediaTime).toBeGreaterThanOrEqual(before.nextAt ?? 0);
        expect(stamp.mediaTime - now).toBeGreaterThanOrEqual(LATENCY_MS * 500);
        expect(stamp.mediaTime - now).toBeLessThanOrEqual(LATENCY_MS * 1_500);
      }
    }),
    { seed: 11, numRuns: 300 * inject('soak') },
  );
});

function speak(packetizer: Packetizer, frames: number, at: MediaTime, stepUs: number): AudioPacket[] {
  return Array.from({ length: frames }, (_, index) =>
    packetizer.push(Uint8Array.of(index % 256), addUs(at, index * stepUs)),
  ).flat();
}

test('a microphone that runs 1 % fast loses single frames, never order, and the lead stays bounded', () => {
  const packetizer = new Packetizer(LATENCY_MS);
  const packets = speak(packetizer, 9_000, start, 19_800);
  expect(packetizer.leftOut).toBeGreaterThan(50);
  expect(packetizer.leftOut).toBeLessThan(100);
  packets.reduce((before, packet) => {
    expect(packet.sequence).toBe(before.sequence + before.frames.length);
    expect(packet.mediaTime).toBe(addUs(before.mediaTime, before.frames.length * 20_000));
    return packet;
  });
});

test('a jump begins a new packet, so that every packet is contiguous in itself', () => {
  const packetizer = new Packetizer(LATENCY_MS);
  const early = speak(packetizer, 4, start, 20_000);
  const late = speak(packetizer, 3, addUs(start, 5_000_000), 20_000);
  expect(
    [...early, ...late].map(({ sequence, frames, mediaTime: at }) => [sequence, frames.length, at - start]),
  ).toEqual([
    [0, 3, 1_200_000],
    [3, 1, 1_260_000],
    [4, 3, 6_200_000],
  ]);
});

test('the end is a packet of what is left, or of one silent frame', async () => {
  const left = new Packetizer(LATENCY_MS);
  speak(left, 2, start, 20_000);
  expect(left.finish(start)).toMatchObject([{ sequence: 0, isLast: true, frames: { length: 2 } }]);
  const nothing = new Packetizer(LATENCY_MS);
  const [packet] = nothing.finish(start);
  expect(packet).toMatchObject({ sequence: 0, isLast: true, mediaTime: addUs(start, 1_200_000) });
  const decoder = await createOpusDecoder();
  const samples = decoder.decode(packet?.frames[0] ?? new Uint8Array());
  decoder.close();
  expect(Math.max(...samples.map(Math.abs))).toBeLessThan(0.001);
});
