import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import type { MediaTime } from '@loalang/shared';
import type { MonotonicClock } from '../clock/monotonic.ts';
import { PacedNullSink, WavSink } from './index.ts';
import type { WavSinkOptions } from './index.ts';
import { HandClock } from './test-rig.ts';

const NOON = 1_773_550_800_000_000;

describe('the paced null sink', () => {
  it('asks for blocks that follow each other exactly, though its timer is late', async () => {
    const clock = new HandClock();
    const heard: number[] = [];
    const sink = new PacedNullSink({ clock });
    await sink.start((heardAtUs, out) => {
      expect(out).toHaveLength(960);
      heard.push(heardAtUs);
    });
    clock.advance(100);
    clock.stopFor(333);
    clock.advance(100);
    await sink.close();
    await sink.close();
    expect(heard).toEqual(Array.from({ length: heard.length }, (_, index) => 5_020_000 + index * 20_000));
    expect(heard.length).toBeGreaterThanOrEqual(26);
    expect(clock.waiting).toBe(0);
  });

  it('begins its line anew after the process stood still for more than a second', async () => {
    const clock = new HandClock();
    const heard: number[] = [];
    const sink = new PacedNullSink({ clock });
    await sink.start((heardAtUs) => heard.push(heardAtUs));
    clock.advance(50);
    const before = heard.length;
    clock.stopFor(60_000);
    clock.advance(40);
    await sink.close();
    expect(heard.length - before).toBeLessThan(5);
    expect(heard[before]).toBeGreaterThan(65_000_000);
  });
});

/** A ramp that counts on from block to block, so that each sample tells its place. */
function countingRender(): (heardAtUs: number, out: Float32Array) => void {
  let count = 0;
  return (_heardAtUs, out) => {
    for (let index = 0; index < out.length; index += 1) {
      out[index] = (count % 32_767) / 32_767;
      count += 1;
    }
  };
}

/** Media time that runs 300 ppm faster than the board's clock. */
const bent = (us: number): number => NOON + Math.round(us * (1 + 300e-6));

describe('the WAV sink', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'loalang-wav-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const sinkOf = (clock: MonotonicClock, change: Partial<WavSinkOptions> = {}): WavSink =>
    new WavSink({
      folder,
      segmentMs: 1_000,
      keepSegments: 100,
      clock,
      mediaTimeAt: (us): MediaTime => mediaTime(NOON + us),
      ...change,
    });

  async function segments(): Promise<{ at: number; samples: number[] }[]> {
    const names = (await readdir(folder)).toSorted();
    return Promise.all(
      names.map(async (name) => ({ at: Number.parseInt(name, 10), samples: await readWav(name) })),
    );
  }

  async function readWav(name: string): Promise<number[]> {
    const bytes = await readFile(join(folder, name));
    expect(bytes.toString('latin1', 0, 4)).toBe('RIFF');
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(bytes.readUInt32LE(24)).toBe(48_000);
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
    return Array.from({ length: (bytes.length - 44) / 2 }, (_, index) => bytes.readInt16LE(44 + index * 2));
  }

  it('writes every sample once, in segments named by when they were heard', async () => {
    const clock = new HandClock();
    const sink = sinkOf(clock);
    await sink.start(countingRender());
    clock.advance(2_500);
    await sink.close();
    await sink.close();
    const all = await segments();
    expect(all.map(({ at }) => at)).toEqual([NOON + 5_020_000, NOON + 6_020_000, NOON + 7_020_000]);
    expect(all.map(({ samples }) => samples.length).slice(0, 2)).toEqual([48_000, 48_000]);
    const line = all.flatMap(({ samples }) => samples);
    expect(line.every((sample, index) => sample === index % 32_767)).toBe(true);
  });

  it('can be read while it grows', async () => {
    const clock = new HandClock();
    const sink = sinkOf(clock, { segmentMs: 60_000 });
    await sink.start(countingRender());
    clock.advance(3_000);
    await expect.poll(async () => (await segments())[0]?.samples.length ?? 0).toBeGreaterThanOrEqual(120_000);
    await sink.close();
  });

  it('writes nothing while the hour is not known, and begins anew after a gap or a step', async () => {
    const clock = new HandClock();
    const at = (us: number): MediaTime | null => {
      if (us < 5_500_000) return null;
      return mediaTime(NOON + us + (us >= 6_000_000 ? 1_500 : 0));
    };
    const sink = sinkOf(clock, { segmentMs: 60_000, mediaTimeAt: at });
    await sink.start(countingRender());
    clock.advance(2_000);
    clock.stopFor(30_000);
    clock.advance(1_000);
    await sink.close();
    const all = await segments();
    expect(all.map(({ at: name }) => name).slice(0, 2)).toEqual([NOON + 5_500_000, NOON + 6_001_500]);
    expect(all).toHaveLength(3);
    expect(all[2]?.at).toBeGreaterThan(NOON + 36_000_000);
    expect(all[0]?.samples).toHaveLength(25 * 960);
  });

  it('keeps each sample within 1 ms of its name while media time drifts', async () => {
    const clock = new HandClock();
    const sink = sinkOf(clock, { segmentMs: 60_000, mediaTimeAt: (us) => mediaTime(bent(us)) });
    await sink.start(countingRender());
    clock.advance(10_000);
    await sink.close();
    const all = await segments();
    expect(all.length).toBeGreaterThan(2);
    let heardUs = 5_020_000;
    for (const { at, samples } of all) {
      expect(Math.abs(at - bent(heardUs))).toBeLessThanOrEqual(1);
      heardUs += samples.length / 0.048;
      expect(Math.abs(at + samples.length / 0.048 - bent(heardUs))).toBeLessThanOrEqual(1_010);
    }
  });

  it('keeps only the newest segments, and leaves other files alone', async () => {
    await writeFile(join(folder, 'notes.txt'), 'x');
    const clock = new HandClock();
    const sink = sinkOf(clock, { segmentMs: 100, keepSegments: 3 });
    await sink.start(countingRender());
    clock.advance(2_000);
    await sink.close();
    const names = await readdir(folder);
    expect(names.filter((name) => name.endsWith('.wav'))).toHaveLength(3);
    expect(names).toContain('notes.txt');
  });

  it('reports what the disk refuses, goes on pulling, and tries again', async () => {
    const clock = new HandClock();
    const errors: unknown[] = [];
    let blocks = 0;
    const blocked = join(folder, 'file');
    await writeFile(blocked, '');
    const sink = sinkOf(clock, { folder: blocked, onError: (error) => errors.push(error) });
    await sink.start(() => (blocks += 1));
    clock.advance(1_000);
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    await rm(blocked);
    clock.advance(8_000);
    await sink.close();
    expect(blocks).toBeGreaterThan(440);
    expect((await readdir(blocked)).length).toBeGreaterThan(0);
  });
});
