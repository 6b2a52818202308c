import { expect, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import type { OpusDecoder } from '@loalang/shared/opus';
import { JitterBuffer } from './jitter-buffer.ts';
import { StreamSource } from './stream-source.ts';
import { BLOCK, NOON, largestStep } from './test-rig.ts';

// A decoder that says nothing but one high number: what fades, and only what fades, moves from sample to sample.
const LEVEL = 0.5;
const decode = (): Float32Array => new Float32Array(BLOCK).fill(LEVEL);
const decoder: OpusDecoder = { decode, conceal: decode, close: () => undefined };
const FADE_SAMPLES = 240;

it('rises from silence, falls into it when too much is lost, and comes back, without a step', () => {
  const buffer = new JitterBuffer(NOON, mediaTime(NOON + 60e6));
  for (const sequence of [0, 1, 2, 20, 21, 22]) {
    const frames = [Uint8Array.of(1)];
    buffer.insert({ sequence, mediaTime: mediaTime(NOON + sequence * 20_000), isLast: false, frames }, NOON);
  }
  const tally = { played: () => undefined, concealed: () => undefined, missed: () => undefined };
  const source = new StreamSource({ buffer, decoder, startAt: NOON, endUs: () => Infinity, tally });
  const heard = new Float32Array(23 * BLOCK);
  for (let done = 0; done < heard.length;) {
    const samples = source.next();
    heard.set(samples.subarray(0, heard.length - done), done);
    done += samples.length;
  }
  const middles = [1, 7, 12, 21].map((frame) => heard[frame * BLOCK + BLOCK / 2]);
  expect(middles).toEqual([LEVEL, LEVEL, 0, LEVEL]);
  expect(largestStep(heard)).toBeLessThan((1.01 * LEVEL) / FADE_SAMPLES);
});
