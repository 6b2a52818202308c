import { mediaTime, type MediaTime } from '@loalang/shared';
import { SAMPLE_RATE } from '@loalang/shared/opus';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readWav } from './wav.ts';

/** Sound without a gap, from the media time of its first sample. */
export interface Stretch {
  readonly startUs: MediaTime;
  readonly samples: Float32Array;
}

/** Segments that meet this closely are one: the reference clock may be slewed by 100 ppm, 1 ms in a segment of 10 s. */
const JOIN_WITHIN_US = 1500;
const US_PER_SAMPLE = 1e6 / SAMPLE_RATE;

/**
 * Everything that a receiver's recordings hold, in order, with what follows without a gap joined. Deep in a long stretch
 * a sample's time may be off by what the clock was slewed; `soundOf` places each segment by its own time.
 */
export async function readRecording(folder: string): Promise<Stretch[]> {
  const runs: Stretch[][] = [];
  for (const segment of await readSegments(folder)) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const gapUs = last === undefined ? Number.POSITIVE_INFINITY : segment.startUs - endUs(last);
    if (run !== undefined && Math.abs(gapUs) <= JOIN_WITHIN_US) run.push(segment);
    else runs.push([segment]);
  }
  return runs.map(joinRun);
}

/** What was recorded in a span of media time; zeros where nothing was. */
export async function soundOf(folder: string, from: MediaTime, durationMs: number): Promise<Float32Array> {
  const sound = new Float32Array(Math.round((durationMs * SAMPLE_RATE) / 1000));
  for (const { startUs, samples } of await readSegments(folder)) {
    const at = Math.round((startUs - from) / US_PER_SAMPLE);
    const skipped = Math.max(0, -at);
    const room = sound.length - Math.max(0, at);
    if (skipped >= samples.length || room <= 0) continue;
    sound.set(samples.subarray(skipped, skipped + room), Math.max(0, at));
  }
  return sound;
}

async function readSegments(folder: string): Promise<Stretch[]> {
  const names = (await readdir(folder)).filter((name) => /^\d+\.wav$/.test(name));
  const segments = await Promise.all(names.map(async (name) => readSegment(folder, name)));
  return segments.filter((segment) => segment !== null).toSorted((a, b) => a.startUs - b.startUs);
}

async function readSegment(folder: string, name: string): Promise<Stretch | null> {
  let file: Buffer;
  try {
    file = await readFile(join(folder, name));
  } catch (error) {
    // The oldest segment may be taken away between listing and reading.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const { sampleRate, samples } = readWav(file);
  if (sampleRate !== SAMPLE_RATE) throw new RangeError(`${name} has ${sampleRate} samples a second`);
  return { startUs: mediaTime(Number.parseInt(name, 10)), samples };
}

function endUs({ startUs, samples }: Stretch): number {
  return startUs + samples.length * US_PER_SAMPLE;
}

function joinRun(run: readonly Stretch[]): Stretch {
  const length = run.reduce((sum, { samples }) => sum + samples.length, 0);
  const joined = new Float32Array(length);
  let at = 0;
  for (const { samples } of run) {
    joined.set(samples, at);
    at += samples.length;
  }
  return { startUs: run[0]?.startUs ?? mediaTime(0), samples: joined };
}
