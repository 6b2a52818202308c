import * as fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import type { AudioPacket } from '@loalang/shared';
import { JitterBuffer, MAX_AHEAD_US, MAX_BUFFERED_FRAMES } from './jitter-buffer.ts';

const START = 1_000_000_000;
const FRAME_US = 20_000;
const MINUTE_US = 60_000_000;
const at = (frame: number): number => START + frame * FRAME_US;
const buffer = (): JitterBuffer => new JitterBuffer(mediaTime(START), mediaTime(START + MINUTE_US));

const packet = (sequence: number, startUs: number, count = 1, isLast = false): AudioPacket => ({
  sequence: sequence % 2 ** 32,
  mediaTime: mediaTime(startUs),
  isLast,
  frames: Array.from({ length: count }, (_, index) => Uint8Array.of((sequence + index) % 256)),
});

/** Pulls until a moment, frame by frame: the first byte of each, or what else was due. */
function pullAll(from: JitterBuffer, fromUs: number, untilUs: number): (number | string)[] {
  const seen: (number | string)[] = [];
  for (let us = fromUs; us < untilUs; us += FRAME_US) {
    const due = from.pull(us);
    seen.push(due.kind === 'frame' ? (due.frame.opus[0] ?? -1) : due.kind);
  }
  return seen;
}

describe('the jitter buffer', () => {
  it('gives the loudspeaker back after five seconds without a frame', () => {
    const stream = buffer();
    stream.insert(packet(0, at(0)), START);
    stream.pull(at(0));
    expect(stream.isFlowing(at(1) + 4_999_000)).toBe(true);
    expect(stream.isFlowing(at(1) + 5_001_000)).toBe(false);
  });

  it('gives frames in the order of their stamps, whatever the order of their coming', () => {
    const frames = buffer();
    for (const number of [2, 0, 4, 1, 3]) frames.insert(packet(number, at(number)), START);
    expect(pullAll(frames, START, at(5))).toEqual([0, 1, 2, 3, 4]);
    expect(frames.counts).toMatchObject({ kept: 5, reordered: 3 });
  });

  it('waits before the first frame, and knows loss from intended silence', () => {
    const frames = buffer();
    expect(frames.pull(START)).toEqual({ kind: 'waiting', untilUs: null });
    frames.insert(packet(7, at(2)), START);
    expect(frames.pull(at(1))).toEqual({ kind: 'waiting', untilUs: at(2) });
    frames.insert(packet(9, at(4)), START);
    frames.insert(packet(10, at(8)), START);
    expect(pullAll(frames, at(2), at(10))).toEqual([
      7,
      'lost',
      9,
      'silence',
      'silence',
      'silence',
      10,
      'lost',
    ]);
  });

  it('goes on over the end of the numbers', () => {
    const frames = buffer();
    frames.insert(packet(2 ** 32 - 2, at(0), 4), START);
    frames.insert(packet(3, at(5)), START);
    expect(frames.pull(at(0))).toMatchObject({ frame: { sequence: 2 ** 32 - 2 } });
    expect(pullAll(frames, at(1), at(3))).toEqual([255, 0]);
    expect(frames.pull(at(3))).toMatchObject({ frame: { sequence: 1 } });
    expect(pullAll(frames, at(4), at(6))).toEqual(['lost', 3]);
    expect(frames.counts.kept).toBe(5);
  });

  it('refuses what is late, there already, overlapping, too far ahead or outside of the stream', () => {
    const frames = buffer();
    frames.insert(packet(0, at(0), 3), START);
    frames.insert(packet(0, at(0), 3), START);
    frames.insert(packet(3, at(2) + 9_000), START);
    frames.insert(packet(4, at(3)), at(4));
    frames.insert(packet(5, START + MAX_AHEAD_US + 1), START);
    frames.insert(packet(6, START + MINUTE_US - 1_000), START + MINUTE_US - FRAME_US);
    frames.insert(packet(7, START - FRAME_US), START - FRAME_US);
    frames.pull(at(2));
    frames.insert(packet(1, at(1)), START);
    expect(frames.counts).toEqual({
      kept: 3,
      duplicate: 3,
      overlapping: 1,
      late: 2,
      'too-early': 1,
      outside: 2,
      full: 0,
      reordered: 0,
    });
  });

  it('takes what a stream of the longest latency may be stamped ahead, where it sounds 2 s later than others', () => {
    const frames = buffer();
    // The speaker was cut off for 5 s and then caught up: 15 s of lead are left.
    expect(frames.insert(packet(0, START + 15_000_000), START - 2_000_000)).toBe(1);
  });

  it('is not put out by a wild number', () => {
    const frames = buffer();
    frames.insert(packet(0, at(0)), START);
    frames.insert(packet(3_000_000_000, at(1)), START);
    frames.insert(packet(1_000_000_000, at(3)), START);
    frames.insert(packet(4, at(4)), START);
    expect(pullAll(frames, START, at(5)).map((due) => typeof due)).toEqual([
      'number',
      'number',
      'string',
      'number',
      'number',
    ]);
  });

  it.each([
    { what: 'more numbers than fit', number: 50 },
    { what: 'numbers that go back', number: 2 ** 32 - 5 },
  ])('counts no more loss than there is room for: $what', ({ number }) => {
    const frames = buffer();
    frames.insert(packet(0, at(0)), START);
    frames.insert(packet(number, at(3)), START);
    frames.pull(at(0));
    expect(frames.pull(at(3))).toMatchObject({ kind: 'frame', lostBefore: 2 });
  });

  it('ends where the sender says so', () => {
    const frames = buffer();
    frames.insert(packet(0, at(0), 2, true), START);
    frames.insert(packet(2, at(2)), START);
    expect(pullAll(frames, START, at(4))).toEqual([0, 1, 'ended', 'ended']);
    expect(frames.endUs).toBe(at(2));
  });

  it('does not keep the memory that a packet came in', () => {
    const frames = buffer();
    const chunk = Buffer.alloc(65_536, 5);
    frames.insert({ ...packet(0, at(0)), frames: [chunk.subarray(100, 103)] }, START);
    chunk.fill(9);
    const due = frames.pull(START);
    expect(due.kind === 'frame' && due.frame.opus).toEqual(Uint8Array.of(5, 5, 5));
    expect(due.kind === 'frame' && due.frame.opus.buffer.byteLength).toBe(3);
  });
});

describe('whatever comes', () => {
  const anyPacket = fc.record({
    sequence: fc.oneof(fc.nat(700), fc.nat(2 ** 32 - 1)),
    frame: fc.oneof(fc.integer({ min: -5, max: 700 }), fc.nat(100_000)),
    shiftUs: fc.constantFrom(0, 1, 500, 9_000, 19_999),
    count: fc.integer({ min: 1, max: 6 }),
    isLast: fc.boolean(),
    advance: fc.nat(30),
  });

  it('it stays bounded, in order, never gives a frame twice and never one out of its time', () => {
    fc.assert(
      fc.property(fc.array(anyPacket, { maxLength: 300 }), (packets) => {
        const frames = buffer();
        const given = new Set<number>();
        let nowUs = START;
        let lastUs = 0;
        for (const { sequence, frame, shiftUs, count, isLast, advance } of packets) {
          const isRare = isLast && sequence % 7 === 0;
          frames.insert(packet(sequence, Math.max(0, at(frame) + shiftUs), count, isRare), nowUs);
          for (let step = 0; step < advance; step += 1) {
            frames.discardBefore(nowUs);
            const due = frames.pull(nowUs);
            if (due.kind === 'frame') {
              expect(given.has(due.frame.startUs)).toBe(false);
              given.add(due.frame.startUs);
              expect(due.frame.startUs).toBeGreaterThan(lastUs);
              expect(due.frame.startUs).toBeLessThanOrEqual(nowUs + 1_000);
              expect(due.frame.startUs + FRAME_US).toBeGreaterThan(nowUs);
              expect(due.lostBefore).toBeGreaterThanOrEqual(0);
              lastUs = due.frame.startUs;
            } else if (due.kind === 'silence') {
              expect(due.untilUs).toBeGreaterThan(nowUs);
            }
            nowUs += FRAME_US;
          }
          expect(frames.size).toBeLessThanOrEqual(MAX_BUFFERED_FRAMES);
        }
      }),
      { numRuns: 200 * inject('soak'), seed: 3 },
    );
  });

  it('loses nothing of a stream whose packets all come in time, in any order', () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 100 }, (_, index) => index),
      { minLength: 100 },
    );
    fc.assert(
      fc.property(order, fc.nat(2 ** 32 - 1), (numbers, first) => {
        const frames = buffer();
        for (const number of numbers) frames.insert(packet(first + number, at(number)), START);
        const expected = Array.from({ length: 100 }, (_, index) => ((first + index) % 2 ** 32) % 256);
        expect(pullAll(frames, START, at(100))).toEqual(expected);
        expect(frames.counts.kept).toBe(100);
      }),
      { numRuns: 50 * inject('soak'), seed: 4 },
    );
  });

  it('takes a jump of the stamps with contiguous numbers for silence, wherever the numbers wrap', () => {
    const jumps = fc.array(fc.record({ run: fc.integer({ min: 1, max: 6 }), jump: fc.nat(9) }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(jumps, fc.integer({ min: 2 ** 32 - 40, max: 2 ** 32 - 1 }), (all, first) => {
        const frames = buffer();
        const expected: (number | string)[] = [];
        let [number, slot] = [0, 0];
        for (const { run, jump } of all) {
          frames.insert(packet(first + number, at(slot), run), START);
          for (let index = 0; index < run; index += 1) expected.push((first + number + index) % 256);
          number += run;
          slot += run + jump;
          expected.push(...Array.from({ length: jump }, () => 'silence'));
        }
        // What follows the last frame nobody can know.
        const known = expected.findLastIndex((due) => due !== 'silence') + 1;
        expect(pullAll(frames, START, at(known))).toEqual(expected.slice(0, known));
      }),
      { numRuns: 100 * inject('soak'), seed: 5 },
    );
  });

  it('takes missing numbers for loss, all of them and nothing else, wherever the numbers wrap', () => {
    const present = fc.array(fc.boolean(), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(present, fc.integer({ min: 2 ** 32 - 60, max: 2 ** 32 - 1 }), (comes, first) => {
        const frames = buffer();
        const heard = [true, ...comes, true];
        heard.forEach((isHere, number) => {
          if (isHere) frames.insert(packet(first + number, at(number)), START);
        });
        const expected = heard.map((isHere, number) => (isHere ? (first + number) % 256 : 'lost'));
        expect(pullAll(frames, START, at(heard.length))).toEqual(expected);
      }),
      { numRuns: 100 * inject('soak'), seed: 6 },
    );
  });

  it('holds no more than its bound and refuses the rest, so that what is here stays', () => {
    const frames = new JitterBuffer(mediaTime(START), mediaTime(START + 10 * MINUTE_US));
    // As close together as stamps may lie.
    for (let number = 0; number * 19_001 <= MAX_AHEAD_US; number += 1) {
      frames.insert(packet(number, START + number * 19_001), START);
    }
    expect(frames.size).toBe(MAX_BUFFERED_FRAMES);
    expect(frames.counts).toMatchObject({ kept: MAX_BUFFERED_FRAMES, full: 999 - MAX_BUFFERED_FRAMES + 1 });
    expect(frames.pull(START)).toMatchObject({ kind: 'frame', frame: { sequence: 0 } });
  });

  it('holds all of the longest latency, up to the edge, frame by frame', () => {
    const frames = new JitterBuffer(mediaTime(START), mediaTime(START + 10 * MINUTE_US));
    const edge = MAX_AHEAD_US / FRAME_US;
    for (let number = 0; number <= edge + 1; number += 1) frames.insert(packet(number, at(number)), START);
    expect(frames.counts).toMatchObject({ kept: edge + 1, full: 0, 'too-early': 1 });
  });
});
