import { describe, expect, it } from 'vitest';
import type { Policy } from '@loalang/shared';
import { TwoTone } from './attention-signal.ts';
import type { PlayableItem } from './broadcast.ts';
import {
  Rig,
  afterNoon,
  framesOfSamples,
  idOf,
  itemOf,
  largestStep,
  likeness,
  noise,
  oggOf,
  packetsOf,
  peak,
  sine,
  streamOf,
} from './test-rig.ts';

const OGG = oggOf(noise(4, 8 * 48_000));
const LOUDEST_STEP = largestStep(sine(960, 48_000, 0.5)) * 1.1;

const emergency = (id: number, startMs: number): PlayableItem => ({
  ...itemOf(id, startMs, 4_000, OGG),
  priority: 'emergency',
});

/** What must be heard from so many milliseconds before the emergency on. */
function tones(beforeMs: number, durationMs: number): Float32Array {
  const out = new Float32Array(durationMs * 48);
  const source = new TwoTone();
  source.seek((3_000 - beforeMs) * 48);
  for (let at = 0; at < out.length; at += 960) out.set(source.next().subarray(0, out.length - at), at);
  return out;
}

/** How like the signal it is, from a moment of the recording on. */
const toneLikeness = (heard: Float32Array, fromMs: number, startMs: number, durationMs: number): number =>
  likeness(heard, fromMs * 48, tones(startMs - fromMs, durationMs), 0, durationMs * 48);

describe('the attention signal', () => {
  it('draws attention for three seconds before an emergency, to the sample, and is no part of its proof', async () => {
    const rig = await Rig.create();
    rig.plan(emergency(1, 4_000));
    const heard = await rig.runTo(9_000);
    expect(peak(heard.subarray(0, 1_000 * 48))).toBe(0);
    expect(toneLikeness(heard, 1_020, 4_000, 2_980)).toBeGreaterThan(0.99999);
    expect(peak(heard.subarray(1_100 * 48, 3_900 * 48))).toBeCloseTo(0.5, 2);
    expect(toneLikeness(heard, 4_020, 4_000, 2_000)).toBeLessThan(0.1);
    expect(largestStep(heard.subarray(0, 4_000 * 48))).toBeLessThan(LOUDEST_STEP);
    expect(rig.proofOf(1)).toMatchObject({
      frames: { played: 200, concealed: 0, missed: 0 },
      startedAt: afterNoon(4_000),
      reason: null,
    });
    expect(rig.soundings).toEqual([{ broadcastId: idOf(1), kind: 'item' }, null]);
  });

  it('sounds the same from neighbours that learn of it at different moments', async () => {
    const [early, late] = [await Rig.create(), await Rig.create()];
    early.plan(emergency(1, 4_000));
    await late.runTo(2_500);
    late.plan(emergency(1, 4_000));
    const all = await early.runTo(5_000);
    const rest = await late.runTo(5_000);
    expect(peak(rest.subarray(0, 240))).toBe(0);
    const from = 2_600 * 48;
    expect(rest.subarray(100 * 48)).toEqual(all.subarray(from));
  });

  it.each([{ knownMs: 4_000 }, { knownMs: 5_500 }])(
    'is not heard by one who joins at $knownMs ms, after the start',
    async ({ knownMs }) => {
      const rig = await Rig.create();
      await rig.runTo(knownMs);
      rig.plan(emergency(1, 4_000));
      const heard = await rig.runTo(9_000);
      expect(peak(heard)).toBeGreaterThan(0.2);
      expect(Math.abs(toneLikeness(heard, 100, knownMs, 1_500))).toBeLessThan(0.1);
    },
  );

  it('passes quiet hours, mute and volume, as the emergency does', async () => {
    const rig = await Rig.create();
    const quiet: Policy = { utcOffsetMinutes: 420, quietHours: [{ from: '11:00', to: '13:00' }] };
    rig.playout.setPlan([emergency(1, 4_000)], quiet);
    rig.now({ volume: 0, isMuted: true });
    const heard = await rig.runTo(5_000);
    expect(toneLikeness(heard, 1_020, 4_000, 2_980)).toBeGreaterThan(0.99999);
    expect(peak(heard.subarray(1_100 * 48, 3_900 * 48))).toBeCloseTo(0.5, 2);
  });

  it('interrupts what sounds, which is proved, and which does not come back in between', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(2, 500, 8_000, OGG), emergency(1, 4_000));
    const heard = await rig.runTo(10_000);
    expect(toneLikeness(heard, 1_020, 4_000, 2_980)).toBeGreaterThan(0.99);
    expect(largestStep(heard.subarray(3_900 * 48, 4_000 * 48))).toBeLessThan(LOUDEST_STEP);
    // Three seconds of the signal and four of the emergency, less the fade, in which it was still heard.
    const { frames, reason } = rig.proofOf(2) ?? {};
    expect([frames?.missed, reason]).toEqual([349, 'interrupted']);
    expect(rig.proofOf(1)?.frames).toEqual({ played: 200, concealed: 0, missed: 0 });
    expect(rig.soundings.map((each) => each?.broadcastId)).toEqual([idOf(2), idOf(1), idOf(2), undefined]);
  });

  it.each(['stop', 'cancel'])(
    'ends with a fade at a %s, and nothing is heard of the emergency',
    async (how) => {
      const rig = await Rig.create();
      rig.plan(emergency(1, 4_000));
      const heard = await rig.runTo(9_000, (nowMs) => {
        if (nowMs !== 2_000) return;
        if (how === 'stop') rig.now({ stopped: [idOf(1)] });
        else rig.plan();
      });
      expect(peak(heard.subarray(1_900 * 48, 2_000 * 48))).toBeGreaterThan(0.4);
      expect(peak(heard.subarray(2_025 * 48 + 1))).toBe(0);
      expect(largestStep(heard)).toBeLessThan(LOUDEST_STEP);
      expect(rig.proofs.map(({ reason, frames }) => [reason, frames.played])).toEqual(
        how === 'stop' ? [['stopped', 0]] : [],
      );
    },
  );

  it('is heard while a live emergency is on its way, and gives way to its first word', async () => {
    const rig = await Rig.create();
    const frames = await framesOfSamples(noise(6, 96_000));
    await rig.runTo(1_020);
    const stream = { ...streamOf(9, 1_000, 9_000), priority: 'emergency' as const, latencyMs: 1_000 };
    rig.now({ streams: [stream] });
    for (const packet of packetsOf(frames, afterNoon(2_000))) rig.playout.insert(idOf(9), packet, 1_020_000);
    const heard = await rig.runTo(6_000);
    expect(toneLikeness(heard, 30, 980, 900)).toBeGreaterThan(0.99);
    expect(Math.abs(toneLikeness(heard, 1_000, 980, 900))).toBeLessThan(0.1);
    expect(peak(heard.subarray(1_100 * 48, 1_900 * 48))).toBeGreaterThan(0.2);
    expect(rig.proofOf(9)?.frames).toEqual({ played: frames.length, concealed: 0, missed: 0 });
  });
});
