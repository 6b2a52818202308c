// Against the other implementation: what ffmpeg writes is read, and what is written here ffmpeg reads.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { FRAME_SAMPLES, createOpusDecoder, createOpusEncoder } from '../opus/index.ts';
import { OggOpusWriter, openOggOpus } from './index.ts';
import type { OggOpusReader } from './index.ts';

const SAMPLES = 20 * 48_000 + 377;
const RAW = ['-f', 's16le', '-ar', '48000', '-ac', '1'];

const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

// Noise between about 200 Hz and 2 kHz with a pulse of four a second: like itself at one shift only.
function makeSource(): Int16Array {
  const noise = random(5);
  let smooth = 0;
  let slow = 0;
  return Int16Array.from({ length: SAMPLES }, (_, sample) => {
    smooth += 0.2 * (2 * noise() - 1 - smooth);
    slow += 0.03 * (smooth - slow);
    return Math.round(30_000 * (smooth - slow) * (0.6 + 0.4 * Math.sin((2 * Math.PI * 4 * sample) / 48_000)));
  });
}

function ffmpeg(args: string[], input: Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync('ffmpeg', ['-v', 'error', ...args], {
    input,
    maxBuffer: 64 << 20,
    timeout: 20_000,
  });
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  return stdout;
}

const bytesOf = (pcm: Int16Array): Uint8Array => new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);

function encode(pcm: Int16Array, options: string[]): Buffer {
  const opus = ['-c:a', 'libopus', '-ac', '1', '-frame_duration', '20', ...options, '-f', 'ogg', 'pipe:1'];
  return ffmpeg([...RAW, '-i', 'pipe:0', ...opus], bytesOf(pcm));
}

const openBytes = (bytes: Uint8Array): OggOpusReader =>
  openOggOpus({
    size: bytes.byteLength,
    readAt: (offset, length) => bytes.subarray(offset, offset + length),
  });

/** Decodes from where the reader stands until `count` samples after the skipped ones, or the end. */
async function decode(reader: OggOpusReader, skipSamples: number, count: number): Promise<Float32Array> {
  const decoder = await createOpusDecoder();
  const frames: Float32Array[] = [];
  while (frames.length * FRAME_SAMPLES < skipSamples + count) {
    const packet = reader.next();
    if (packet === null) break;
    frames.push(decoder.decode(packet));
  }
  decoder.close();
  const all = new Float32Array(frames.length * FRAME_SAMPLES);
  for (const [index, frame] of frames.entries()) all.set(frame, index * FRAME_SAMPLES);
  return all.subarray(skipSamples, skipSamples + count);
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>, shift: number): number {
  let cross = 0;
  let powerA = 0;
  let powerB = 0;
  for (let index = 1_000; index < Math.min(a.length, b.length) - 1_000; index += 1) {
    const x = a[index] ?? 0;
    const y = b[index + shift] ?? 0;
    cross += x * y;
    powerA += x * x;
    powerB += y * y;
  }
  return cross / Math.sqrt(powerA * powerB);
}

function relativeErrorDb(expected: Float32Array, found: Float32Array): number {
  let error = 0;
  let power = 0;
  for (const [index, value] of expected.entries()) {
    error += (value - (found[index] ?? 0)) ** 2;
    power += value ** 2;
  }
  return 10 * Math.log10(error / power + 1e-12);
}

const source = makeSource();

describe.each([
  { name: 'music at 96 kbit/s', options: ['-b:a', '96k', '-application', 'audio'], least: 0.95 },
  { name: 'speech at 24 kbit/s', options: ['-b:a', '24k', '-application', 'voip'], least: 0.5 },
])('a file that ffmpeg made of $name', ({ options, least }) => {
  const bytes = encode(source, options);

  it('has every sample in its place', async () => {
    const reader = openBytes(bytes);
    expect(reader.info).toMatchObject({ preSkip: 312, channels: 1, totalSamples: SAMPLES, outputGainDb: 0 });
    const decoded = await decode(reader, reader.info.preSkip, SAMPLES);
    expect(decoded).toHaveLength(SAMPLES);
    const shifts = Array.from({ length: 41 }, (_, index) => index - 20);
    const scores = shifts.map((shift) => correlation(source, decoded, shift));
    expect(Math.max(...scores)).toBeGreaterThan(least);
    expect(Math.abs(shifts[scores.indexOf(Math.max(...scores))] ?? 99)).toBeLessThanOrEqual(2);
  });

  it('decodes to the same after a seek to any of 50 samples', async () => {
    const reader = openBytes(bytes);
    const linear = await decode(reader, reader.info.preSkip, SAMPLES);
    const pick = random(11);
    const errorsDb: number[] = [];
    for (let count = 0; count < 50; count += 1) {
      const sample = Math.floor(pick() * (SAMPLES - 4_800));
      const { skipSamples } = reader.seek(sample);
      expect(skipSamples).toBeLessThan(4_800);
      const found = await decode(reader, skipSamples, 4_800);
      errorsDb.push(relativeErrorDb(linear.subarray(sample, sample + 4_800), found));
    }
    expect(Math.max(...errorsDb)).toBeLessThan(-20);
  });

  it('decodes to the same in its last samples', async () => {
    const reader = openBytes(bytes);
    const linear = await decode(reader, reader.info.preSkip, SAMPLES);
    const { skipSamples } = reader.seek(SAMPLES - 500);
    const found = await decode(reader, skipSamples, 500);
    expect(found).toHaveLength(500);
    expect(relativeErrorDb(linear.subarray(SAMPLES - 500), found)).toBeLessThan(-20);
  });
});

describe('a file written here', () => {
  it.each([
    { packetsPerPage: 1, trimSamples: 0 },
    { packetsPerPage: 50, trimSamples: 0 },
    { packetsPerPage: 50, trimSamples: 700 },
    { packetsPerPage: 255, trimSamples: 13 },
  ])('is read by ffmpeg ($packetsPerPage packets a page, $trimSamples trimmed)', async (shape) => {
    const encoder = await createOpusEncoder({ bitrate: 64_000, application: 'audio' });
    const writer = new OggOpusWriter({ packetsPerPage: shape.packetsPerPage });
    const parts = [writer.head()];
    const frames = Math.floor(SAMPLES / FRAME_SAMPLES);
    for (let index = 0; index < frames; index += 1) {
      const packet = encoder.encode(source.subarray(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES));
      parts.push(writer.add(packet) ?? new Uint8Array(0));
    }
    encoder.close();
    const bytes = Buffer.concat([...parts, writer.finish(shape.trimSamples)]);
    const expectedSamples = frames * FRAME_SAMPLES - 312 - shape.trimSamples;

    expect(openBytes(bytes).info.totalSamples).toBe(expectedSamples);
    const pcm = ffmpeg(['-i', 'pipe:0', ...RAW, 'pipe:1'], bytes);
    expect(pcm.byteLength / 2).toBe(expectedSamples);
    const decoded = new Int16Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.byteLength));
    expect(correlation(source, decoded, 0)).toBeGreaterThan(0.9);
  });

  it.each([
    { preSkip: -1 },
    { preSkip: 65_536 },
    { serial: 2 ** 32 },
    { packetsPerPage: 0 },
    { packetsPerPage: 256 },
  ])('is not begun with %o', (options) => {
    expect(() => new OggOpusWriter(options)).toThrow(RangeError);
  });

  it('takes no empty packet and none that needs more than a page', () => {
    const writer = new OggOpusWriter();
    expect(() => writer.add(new Uint8Array(0))).toThrow(RangeError);
    expect(() => writer.add(new Uint8Array(64_771))).toThrow(RangeError);
  });
});
