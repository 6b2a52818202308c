import { describe, expect, it } from 'vitest';
import { FrameGroups } from './group-frames.ts';
import { LevelFollower, levelWord, litBars, rmsDbfs } from './level.ts';
import { toPcm16 } from './pcm.ts';

const RATE = 48_000;
const block = (amplitude: number): Float32Array =>
  Float32Array.from({ length: 960 }, (_, index) => amplitude * Math.sin((2 * Math.PI * 500 * index) / RATE));

describe('the level of the microphone', () => {
  it.each([
    [-120, false, 'silent'],
    [-45, false, 'low'],
    [-20, false, 'good'],
    [-6, false, 'loud'],
    [-20, true, 'loud'],
  ] as const)('calls %i dBFS (clipping: %s) %s', (dbfs, isClipping, word) => {
    expect(levelWord(dbfs, isClipping)).toBe(word);
  });

  it('measures a sine 3 dB below its peak', () => {
    expect(rmsDbfs(block(1))).toBeCloseTo(-3.01, 1);
    expect(rmsDbfs(new Float32Array(960))).toBe(-120);
  });

  it('rises at once and falls slowly', () => {
    const follower = new LevelFollower();
    follower.take(block(0.3), RATE);
    const loud = follower.dbfs;
    follower.take(new Float32Array(960), RATE);
    expect(loud).toBeGreaterThan(-15);
    expect(follower.dbfs).toBeCloseTo(loud - 0.48, 5);
  });

  it('warns after ten seconds without a voice, and no longer once there is one', () => {
    const follower = new LevelFollower();
    const silence = new Float32Array(960);
    for (let count = 0; count < 499; count += 1) follower.take(silence, RATE);
    expect(follower.isTooLongSilent).toBe(false);
    follower.take(silence, RATE);
    expect(follower.isTooLongSilent).toBe(true);
    follower.take(block(0.1), RATE);
    expect(follower.isTooLongSilent).toBe(false);
  });

  it('lights no bar in silence and all at full scale', () => {
    expect([litBars(-120, 40), litBars(-30, 40), litBars(0, 40)]).toEqual([0, 20, 40]);
  });
});

describe('what leaves the browser', () => {
  it('goes in groups of three, the last one shorter', () => {
    const sizes: number[] = [];
    const groups = new FrameGroups(3, (group) => sizes.push(group.length));
    for (let count = 0; count < 8; count += 1) groups.add(new Uint8Array([count]));
    groups.flush();
    groups.flush();
    expect(sizes).toEqual([3, 3, 2]);
  });

  it('is 16-bit little-endian without Opus, clipped instead of wrapped', () => {
    const bytes = new Uint8Array(toPcm16(Float32Array.of(0, 1, -2, 0.5)));
    expect([...bytes]).toEqual([0, 0, 0xff, 0x7f, 0x01, 0x80, 0x00, 0x40]);
  });
});
