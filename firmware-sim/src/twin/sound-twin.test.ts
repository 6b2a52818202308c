import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import type { DirectionProfile } from '../network/profile.ts';
import { SoundTwin } from './sound-twin.ts';
import type { LinkStory } from './twin-link.ts';

const TONE_HZ = 50;
const AMPLITUDE = 0.5;
const SECONDS = 40 * inject('soak');
const START_US = 10e6;
/** So much of the tone is one reading of where it is: five periods. */
const READING_US = 100_000;

const way = (delayMs: number, meanMs: number): DirectionProfile => ({
  delayMs,
  jitter: { kind: 'exponential', meanMs, maxMs: 1_000 },
  capacity: { kind: 'unlimited' },
});
const stalling: LinkStory = {
  profile: { up: way(30, 8), down: way(30, 8) },
  stalls: { everyUs: 20e6, forUs: 700e3 },
};

let frames: Uint8Array[] = [];
const open: SoundTwin[] = [];

beforeAll(async () => {
  const encoder = await createOpusEncoder({ bitrate: 96_000, application: 'audio' });
  frames = Array.from({ length: SECONDS * 50 }, (_, frame) =>
    encoder.encode(
      Int16Array.from({ length: FRAME_SAMPLES }, (_unused, index) => {
        const t = (frame * FRAME_SAMPLES + index) / 48_000;
        return Math.round(32_767 * AMPLITUDE * Math.sin(2 * Math.PI * TONE_HZ * t));
      }),
    ),
  );
  encoder.close();
});

afterAll(() => {
  for (const twin of open) twin.close();
});

/** Follows the tone in true time: where it is (microseconds late), and the largest step from sample to sample. */
class Ear {
  readonly lateUs: number[] = [];
  largestStep = 0;
  quietSamples = 0;
  #last = 0;
  #readingEndsUs = START_US + 2e6 + READING_US;
  #sine = 0;
  #cosine = 0;

  hear(fromUs: number, usPerSample: number, samples: Float32Array): void {
    for (const [index, sample] of samples.entries()) {
      this.#hearOne(fromUs + index * usPerSample, sample);
    }
  }

  #hearOne(atUs: number, sample: number): void {
    if (atUs > START_US + (SECONDS - 1) * 1e6) return;
    this.largestStep = Math.max(this.largestStep, Math.abs(sample - this.#last));
    this.#last = sample;
    if (atUs < START_US + 2e6) return;
    const phase = (2 * Math.PI * TONE_HZ * (atUs - START_US)) / 1e6;
    this.#sine += sample * Math.sin(phase);
    this.#cosine += sample * Math.cos(phase);
    if (atUs < this.#readingEndsUs) return;
    this.lateUs.push((-Math.atan2(this.#cosine, this.#sine) / (2 * Math.PI * TONE_HZ)) * 1e6);
    const level = (2 * Math.hypot(this.#sine, this.#cosine)) / (READING_US * 0.048);
    if (level < 0.9 * AMPLITUDE) this.quietSamples += READING_US * 0.048;
    [this.#sine, this.#cosine] = [0, 0];
    this.#readingEndsUs = atUs + READING_US;
  }
}

async function listen(seed: string, latencyMs: number): Promise<Ear> {
  const ear = new Ear();
  const twin = await SoundTwin.open({
    seed,
    durationUs: (SECONDS + 20) * 1e6,
    link: stalling,
    frames,
    startUs: START_US,
    latencyMs,
    onBlock: ({ fromUs, usPerSample, samples }) => ear.hear(fromUs, usPerSample, samples),
  });
  open.push(twin);
  twin.start();
  await twin.runUntil(START_US + SECONDS * 1e6);
  expect(twin.faults).toEqual([]);
  return ear;
}

test('three receivers play one tone: nothing missing, no click, within two milliseconds of each other', async () => {
  const ears = [await listen('a', 1_000), await listen('b', 1_000), await listen('c', 1_000)];
  const toneStep = AMPLITUDE * 2 * Math.PI * (TONE_HZ / 48_000);
  for (const { quietSamples, largestStep, lateUs } of ears) {
    expect(lateUs.length).toBeGreaterThan((SECONDS - 4) * 10);
    expect(quietSamples).toBe(0);
    expect(largestStep).toBeLessThan(1.5 * toneStep);
  }
  const apartUs = (ears[0]?.lateUs ?? []).map((_, look) => {
    const late = ears.map(({ lateUs }) => lateUs[look] ?? 0);
    return Math.max(...late) - Math.min(...late);
  });
  expect(Math.max(...apartUs)).toBeLessThan(2_000);
});

test('a stall longer than the latency is heard as a gap', async () => {
  const ear = await listen('a', 300);
  expect(ear.quietSamples).toBeGreaterThan(0);
});
