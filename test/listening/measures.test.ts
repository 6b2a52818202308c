import { describe, expect, it } from 'vitest';
import { seededRandom } from '@loalang/firmware-sim';
import { edges, findClicks } from './clicks.ts';
import { findSilences, judgeSilences } from './gaps.ts';
import { compare } from './likeness.ts';
import { voice } from './voices.ts';

const clean = voice(6, 150, 9);
const BOUND = { ratio: 1.5, floor: 0.001 };
/** A cut this high is heard by everybody. */
const JUMP = 0.1;
const BLOCK = 240;
const AROUND = 10 * BLOCK;

/** Places in the voice at which a splice over 5 ms, or a cut, makes a jump. */
const places = (() => {
  const random = seededRandom('splices');
  const found: number[] = [];
  while (found.length < 20) {
    const at = Math.floor(random.next() * (clean.length - 2 * AROUND)) + AROUND;
    const here = clean[at] ?? 0;
    if (Math.abs(here) > JUMP && Math.abs(here - (clean[at + BLOCK] ?? 0)) > JUMP) found.push(at);
  }
  return found;
})();

/** The places of clicks in a stretch of the voice that was tampered with, in samples of it. */
const clicksOf = (heard: Float32Array, from = 0, to = clean.length): number[] =>
  findClicks(edges(heard.subarray(from, to)), edges(clean.subarray(from, to)), BOUND).map(({ atS }) =>
    Math.round(atS * 48_000),
  );

const plants: Record<string, (heard: Float32Array, at: number) => void> = {
  'a spike': (heard, at) => (heard[at] = (heard[at] ?? 0) + JUMP),
  'a hole without fades': (heard, at) => heard.fill(0, at, at + BLOCK),
  '5 ms that are missing': (heard, at) => heard.copyWithin(at, at + BLOCK, at + 2 * BLOCK),
  '5 ms that are repeated': (heard, at) => heard.copyWithin(at + BLOCK, at, at + BLOCK),
};

describe('clicks', () => {
  it.each(Object.keys(plants))('finds %s, and nothing else', (kind) => {
    for (const at of places) {
      const heard = clean.slice();
      plants[kind]?.(heard, at);
      const found = clicksOf(heard, at - AROUND, at + AROUND);
      expect(found.length, `at ${at}`).toBeGreaterThan(0);
      for (const place of found) expect(Math.abs(place - AROUND), `at ${at}`).toBeLessThan(4 * BLOCK);
    }
  });

  it('finds none in a voice that is softer, later, or faded in and out', () => {
    const softer = clean.map((sample) => 0.7 * sample);
    const later = new Float32Array(clean.length);
    later.set(clean.subarray(0, -100), 100);
    const faded = clean.map((sample, index) => sample * Math.min(1, Math.abs(index - 100_000) / BLOCK));
    for (const heard of [clean, softer, later, faded]) expect(clicksOf(heard)).toEqual([]);
  });
});

describe('silences', () => {
  const level = { level: 0.001, leastS: 0.01 };

  it('finds a hole of 20 ms where it is, and none in the pauses of a voice', () => {
    const heard = clean.slice();
    heard.fill(0, 96_000, 96_960);
    const found = findSilences(heard, level);
    expect(found).toEqual([{ fromS: 2, toS: 2.02 }]);
    expect(judgeSilences(found, [{ fromS: [1.99, 2.01], toS: [2.01, 2.03] }])).toEqual([]);
  });

  it('tells of a silence that is missing, and of one that should not be', () => {
    const expected = [{ fromS: [1, 1.1], toS: [2, 2.1] }] as const;
    expect(judgeSilences([{ fromS: 1.5, toS: 2.05 }], expected)).toEqual([
      'no silence from 1..1.1 to 2..2.1 s',
      'silent from 1.500 to 2.050 s',
    ]);
  });
});

describe('likeness', () => {
  const due = { at: 48_000, samples: clean.subarray(48_000, 52_800) };

  it('tells how late and how loud', () => {
    const heard = new Float32Array(clean.length);
    heard.set(clean.map((sample) => sample / 2).subarray(0, -72), 72);
    const { lagMs, gain, residual } = compare(heard, due);
    expect(lagMs).toBeCloseTo(1.5, 2);
    expect(gain).toBeCloseTo(0.5, 3);
    expect(residual).toBeLessThan(0.01);
  });

  it('finds nothing of it in another voice', () => {
    expect(compare(voice(3, 130, 7), due).residual).toBeGreaterThan(0.5);
  });
});
