import { mediaTime } from '@loalang/shared';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRecording, soundOf } from './read-recording.ts';
import { readWav } from './wav.ts';

const START_US = 1_800_000_000_000_000;
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recording-'));
});
afterEach(async () => rm(folder, { recursive: true }));

/** A WAV file of 16-bit samples; the length in the header may be told wrong. */
function wav(
  values: readonly number[],
  options: { dataLength?: number; sampleRate?: number; channels?: number } = {},
): Buffer {
  const header = Buffer.alloc(44);
  const dataLength = options.dataLength ?? values.length * 2;
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + dataLength, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(options.channels ?? 1, 22);
  header.writeUInt32LE(options.sampleRate ?? 48_000, 24);
  header.writeUInt32LE(96_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataLength, 40);
  const data = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => data.writeInt16LE(value * 32_768, index * 2));
  return Buffer.concat([header, data]);
}

function level(value: number, count: number): number[] {
  return Array.from({ length: count }, () => value);
}

async function write(offsetMs: number, file: Buffer): Promise<void> {
  await writeFile(join(folder, `${START_US + offsetMs * 1000}.wav`), file);
}

test('segments that meet become one stretch, a gap starts another', async () => {
  await write(0, wav(level(0.25, 480)));
  await write(10, wav(level(0.5, 480)));
  await write(40, wav(level(-0.5, 48)));
  await writeFile(join(folder, 'notes.txt'), 'not a segment');
  expect(await readRecording(folder)).toEqual([
    { startUs: START_US, samples: new Float32Array([...level(0.25, 480), ...level(0.5, 480)]) },
    { startUs: START_US + 40_000, samples: new Float32Array(level(-0.5, 48)) },
  ]);
});

test('a segment still being written is read as far as it goes', async () => {
  await write(0, wav(level(0.25, 100), { dataLength: 0 }));
  await write(500, wav(level(0.5, 100), { dataLength: 960_000 }));
  expect((await readRecording(folder)).map(({ samples }) => samples.length)).toEqual([100, 100]);
});

test('the sound of a span is zero where nothing was recorded', async () => {
  await write(0, wav(level(0.25, 96)));
  await write(4, wav(level(0.5, 96)));
  const sound = await soundOf(folder, mediaTime(START_US + 1000), 6);
  expect([...sound]).toEqual([...level(0.25, 48), ...level(0, 96), ...level(0.5, 96), ...level(0, 48)]);
  expect([...(await soundOf(folder, mediaTime(START_US + 60_000), 1))]).toEqual(level(0, 48));
  expect([...(await soundOf(folder, mediaTime(START_US - 1000), 2))]).toEqual([
    ...level(0, 48),
    ...level(0.25, 48),
  ]);
});

test('an empty folder holds nothing', async () => {
  expect(await readRecording(folder)).toEqual([]);
});

test.each([
  ['text', Buffer.from('this is no sound at all, only text')],
  ['nothing', Buffer.alloc(0)],
  ['two channels', wav([0, 0], { channels: 2 })],
  ['a header alone', wav([]).subarray(0, 30)],
])('a file of %s is refused', (_what, file) => {
  expect(() => readWav(file)).toThrow(SyntaxError);
});

test('a segment of another sample rate is refused', async () => {
  await write(0, wav([0], { sampleRate: 44_100 }));
  await expect(readRecording(folder)).rejects.toThrow('44100 samples a second');
});
