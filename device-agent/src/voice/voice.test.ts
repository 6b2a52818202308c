import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createOpusDecoder } from '@loalang/shared/opus';
import { openAssetFile } from '../store/index.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { bestCorrelation, rms } from '../testing/voice.ts';
import { clipNames, readClips, type Clip, type Clips } from './clips.ts';
import { sayCode } from './sentences.ts';
import { isOwnVoice, Voice } from './voice.ts';

function clipsHere(): Clips {
  const clips = readClips();
  if (clips === null) throw new Error('the clips are missing: node --import tsx scripts/make-clips.ts');
  return clips;
}

async function samplesOf({ file }: Clip): Promise<Float32Array> {
  const reader = openAssetFile(file);
  if (reader === null) throw new Error(`${file.path} is missing`);
  const decoder = await createOpusDecoder();
  const parts: number[] = [];
  for (let packet = reader.next(); packet !== null; packet = reader.next()) {
    parts.push(...decoder.decode(packet));
  }
  decoder.close();
  return Float32Array.from(parts);
}

describe('the built-in clips', () => {
  test('are small, short, and loud without being clipped', async () => {
    for (const [name, clip] of Object.entries(clipsHere())) {
      const samples = await samplesOf(clip);
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      expect(clip.file.bytes, name).toBeLessThan(8_000);
      expect(clip.durationMs, name).toBeLessThan(name.length === 1 ? 900 : 1_700);
      expect(rms(samples), name).toBeGreaterThan(0.05);
      expect(peak, name).toBeLessThan(0.98);
    }
  });

  test('sound unlike each other', async () => {
    const clips = clipsHere();
    const digits = await Promise.all(
      clipNames.filter((name) => name.length === 1).map(async (name) => samplesOf(clips[name])),
    );
    for (const [index, one] of digits.entries()) {
      const word = one.subarray(0, 12_000);
      for (const other of digits.slice(index + 1)) {
        const room = new Float32Array(word.length + 960);
        room.set(other.subarray(0, room.length));
        expect(bestCorrelation(word, room, 959).value).toBeLessThan(0.7);
      }
    }
  });

  test('that did not come along leave a receiver without a voice, and nothing worse', () => {
    expect(readClips(fileURLToPath(new URL('./nowhere/', import.meta.url)))).toBeNull();
    const play = (): never => {
      throw new Error('it has nothing to play');
    };
    const voice = new Voice({ clips: null, clock: new HandClock(), play });
    expect(voice.say([{ clip: 'code', atMs: 0 }])).toBe(0);
  });
});

describe('a code', () => {
  test('is read in two groups of four, a second for each digit', () => {
    expect(sayCode('47190362')).toEqual([
      { clip: 'code', atMs: 0 },
      { clip: '4', atMs: 1_800 },
      { clip: '7', atMs: 2_800 },
      { clip: '1', atMs: 3_800 },
      { clip: '9', atMs: 4_800 },
      { clip: '0', atMs: 6_500 },
      { clip: '3', atMs: 7_500 },
      { clip: '6', atMs: 8_500 },
      { clip: '2', atMs: 9_500 },
    ]);
  });

  test('with letters has no clips', () => {
    expect(sayCode('ABCD2345')).toBeNull();
  });

  test('is said as a plan of items that no broadcast can be taken for, none over the other', () => {
    const clock = new HandClock();
    const plans: { broadcastId: string; startAt: number; durationMs: number }[][] = [];
    const voice = new Voice({ clips: clipsHere(), clock, play: (items) => void plans.push([...items]) });
    voice.say(sayCode('00000000') ?? []);
    const lengthMs = voice.say(sayCode('00000000') ?? []);
    const items = plans.flat();
    expect(new Set(items.map(({ broadcastId }) => broadcastId)).size).toBe(18);
    expect(
      items.every(({ broadcastId }) => isOwnVoice(broadcastId) && /^[0-9a-f]{32}$/.test(broadcastId)),
    ).toBe(true);
    const [first = []] = plans;
    for (const [index, { startAt, durationMs }] of first.entries()) {
      expect(startAt + durationMs * 1_000).toBeLessThan(first[index + 1]?.startAt ?? Infinity);
    }
    expect(lengthMs).toBeGreaterThan(10_500);
    expect(lengthMs).toBeLessThan(12_000);
  });
});
