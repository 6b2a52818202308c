import { expect, test } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { openOggOpus } from '@loalang/shared/ogg';
import { createOpusDecoder } from '@loalang/shared/opus';
import { bestCorrelation, sweep } from '../testing/voice.ts';
import { encodeRecording, placeInSpan } from './recording.ts';

async function decode(bytes: Uint8Array): Promise<Float32Array> {
  const reader = openOggOpus({
    size: bytes.length,
    readAt: (from, length) => bytes.subarray(from, from + length),
  });
  const decoder = await createOpusDecoder();
  const samples = new Float32Array(reader.info.totalSamples + 2_000);
  let at = -reader.info.preSkip;
  for (let packet = reader.next(); packet !== null; packet = reader.next()) {
    for (const sample of decoder.decode(packet)) {
      if (at >= 0 && at < samples.length) samples[at] = sample;
      at += 1;
    }
  }
  decoder.close();
  return samples.subarray(0, reader.info.totalSamples);
}

test('a recording is as long as what was heard, and sounds the same at the same place', async () => {
  const samples = sweep(1_230);
  const decoded = await decode(await encodeRecording(samples));
  expect(decoded.length).toBe(samples.length);
  const { value, shift } = bestCorrelation(samples, decoded, 200);
  expect(value).toBeGreaterThan(0.95);
  expect(Math.abs(shift)).toBeLessThan(50);
});

test.each([
  ['all of it', 0, [1, 2, 3, 4]],
  ['a part that begins later', 2, [0, 0, 1, 2]],
  ['a part that began before', -2, [3, 4, 0, 0]],
  ['nothing of it', 9, [0, 0, 0, 0]],
])('of a span the receiver held %s', (_, laterBlocks, expected) => {
  // Blocks of 1 ms, each of one value.
  const heard = Float32Array.from({ length: 4 * 48 }, (__, index) => 1 + Math.floor(index / 48));
  const placed = placeInSpan(
    { from: mediaTime(50_000 + laterBlocks * 1_000), samples: heard },
    mediaTime(50_000),
    4,
  );
  expect([0, 1, 2, 3].map((block) => placed.samples[block * 48 + 10])).toEqual(expected);
  expect(placed.samples.length).toBe(4 * 48);
});

test('where nothing was heard at all, the span is silent', () => {
  expect(placeInSpan(null, mediaTime(0), 2).samples).toEqual(new Float32Array(96));
});
