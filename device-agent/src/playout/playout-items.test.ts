import { describe, expect, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import {
  NOON,
  Rig,
  afterNoon,
  bestShift,
  idOf,
  itemOf,
  largestStep,
  levelOf,
  likeness,
  noise,
  oggOf,
  openBytes,
  peak,
  sine,
} from './test-rig.ts';

const SENT = noise(7, 4 * 48_000);
const OGG = oggOf(SENT);
const OTHER = noise(99, 4 * 48_000);
const OTHER_OGG = oggOf(OTHER);
const SINE_OGG = oggOf(sine(300, 4 * 48_000));
// The largest step within a 300 Hz sine of amplitude 0.5 is 0.0196; a click would be a large part of the amplitude.
const NO_CLICK = 0.04;

describe('a planned item', () => {
  it('starts at its sample, wherever that lies in a block, and is heard whole', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 3_007.5, 4_000, OGG));
    const heard = await rig.runTo(8_000);
    const start = Math.round(3_007.5 * 48);
    expect(peak(heard.subarray(0, start - 2))).toBe(0);
    const found = bestShift(heard, start + 480, SENT, 480, 180_000);
    expect(Math.abs(found.shift)).toBeLessThanOrEqual(1);
    expect(found.likeness).toBeGreaterThan(0.95);
    expect(peak(heard.subarray(start + 4 * 48_000 + 2))).toBe(0);
    expect(rig.proofs.map((proof) => ({ ...proof, levelDbfs: Math.round(proof.levelDbfs ?? 0) }))).toEqual([
      {
        broadcastId: idOf(1),
        kind: 'item',
        startedAt: afterNoon(3_007.5),
        endedAt: afterNoon(7_007.5),
        frames: { played: 200, concealed: 0, missed: 0 },
        reason: null,
        levelDbfs: levelOf(heard, 4 * 48_000),
      },
    ]);
    expect(rig.soundings).toEqual([{ broadcastId: idOf(1), kind: 'item' }, null]);
    expect(rig.faults).toEqual([]);
  });

  it('goes on in the middle after a restart, and the frames before count as missed', async () => {
    const rig = await Rig.create();
    rig.jumpTo(2_500);
    rig.plan(itemOf(1, 1_000, 4_000, OGG));
    const heard = await rig.runTo(6_000);
    const found = bestShift(heard, 4_800, SENT, 1.6 * 48_000, 96_000);
    expect(found.shift).toBe(0);
    expect(found.likeness).toBeGreaterThan(0.95);
    const { frames, reason } = rig.proofOf(1) ?? {};
    expect(frames).toEqual({ played: 124, concealed: 0, missed: 76 });
    expect(reason).toBe('powered-off');
  });

  it('adds to what was kept of it before a restart', async () => {
    const before = await Rig.create();
    before.plan(itemOf(1, 1_000, 4_000, OGG));
    await before.runTo(3_000);
    const [progress] = before.playout.progress();
    expect(progress?.frames?.played).toBeCloseTo(100, 0);
    const after = await Rig.create({ progressOf: () => progress ?? null });
    after.jumpTo(3_600);
    after.plan(itemOf(1, 1_000, 4_000, OGG));
    await after.runTo(6_000);
    const proof = after.proofOf(1);
    expect(proof?.startedAt).toBe(afterNoon(1_000));
    expect(proof?.frames.played).toBeGreaterThanOrEqual(168);
    expect(proof?.frames.missed).toBeLessThanOrEqual(32);
    expect(proof?.reason).toBe('powered-off');
  });

  it('is faded out when it is stopped, and proves what was cut', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 1_000, 4_000, SINE_OGG));
    const heard = await rig.runTo(6_000, (nowMs) => {
      if (nowMs === 2_000) rig.now({ stopped: [idOf(1)] });
    });
    expect(peak(heard.subarray(2_025 * 48 + 1))).toBe(0);
    expect(peak(heard.subarray(1_900 * 48, 2_000 * 48))).toBeGreaterThan(0.4);
    expect(largestStep(heard)).toBeLessThan(NO_CLICK);
    expect(rig.proofOf(1)?.frames).toEqual({ played: 51, concealed: 0, missed: 149 });
    expect(rig.proofOf(1)?.reason).toBe('stopped');
  });

  it('gives way to a higher one without a click and goes on where the clock says', async () => {
    const rig = await Rig.create();
    const higher = { ...itemOf(2, 2_000, 1_000, OTHER_OGG), priority: 'priority' as const };
    rig.plan(itemOf(1, 1_000, 4_000, OGG), higher);
    const heard = await rig.runTo(6_000);
    expect(likeness(heard, 2_030 * 48, OTHER, 30 * 48, 940 * 48)).toBeGreaterThan(0.95);
    const found = bestShift(heard, 3_030 * 48, SENT, 2_030 * 48, 1_900 * 48);
    expect(found.shift).toBe(0);
    expect(found.likeness).toBeGreaterThan(0.95);
    expect(largestStep(heard)).toBeLessThan(1.5 * Math.max(largestStep(SENT), largestStep(OTHER)));
    expect(rig.proofOf(1)?.reason).toBe('interrupted');
    expect(rig.proofOf(1)?.frames.missed).toBeGreaterThanOrEqual(48);
    expect(rig.proofOf(2)?.frames).toEqual({ played: 50, concealed: 0, missed: 0 });
    expect(rig.soundings).toEqual([
      { broadcastId: idOf(1), kind: 'item' },
      { broadcastId: idOf(2), kind: 'item' },
      { broadcastId: idOf(1), kind: 'item' },
      null,
    ]);
  });

  it('joins late when its asset comes while its window is open', async () => {
    const rig = await Rig.create();
    let isThere = false;
    const late = { ...itemOf(1, 1_000, 4_000, null), openAudio: () => (isThere ? openBytes(OGG) : null) };
    rig.plan(late);
    const heard = await rig.runTo(6_000, (nowMs) => {
      if (nowMs === 2_000) isThere = true;
    });
    expect(likeness(heard, 3_100 * 48, SENT, 2_100 * 48, 1_500 * 48)).toBeGreaterThan(0.95);
    expect(rig.proofOf(1)?.reason).toBe('asset-missing');
  });

  it.each([
    { name: 'its asset never came', change: {}, ogg: null, reason: 'asset-missing' },
    { name: 'its asset is damaged', change: {}, ogg: new Uint8Array(500), reason: 'asset-corrupt' },
    { name: 'the receiver is muted', change: { isMuted: true }, ogg: OGG, reason: 'muted' },
  ])('is silent and proved as missed when $name', async ({ change, ogg, reason }) => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 3_000, 1_000, ogg));
    rig.now(change);
    expect(peak(await rig.runTo(5_000))).toBe(0);
    expect(rig.proofs).toEqual([
      {
        broadcastId: idOf(1),
        kind: 'item',
        startedAt: null,
        endedAt: null,
        frames: { played: 0, concealed: 0, missed: 50 },
        reason,
        levelDbfs: null,
      },
    ]);
  });

  it('keeps the good half of a file whose second half is damaged', async () => {
    const damaged = OGG.slice();
    damaged.fill(0, damaged.length >> 1, (damaged.length >> 1) + 2_000);
    const rig = await Rig.create();
    rig.plan(itemOf(1, 1_000, 4_000, damaged));
    await rig.runTo(6_000);
    expect(rig.proofOf(1)?.reason).toBe('asset-corrupt');
    expect(rig.proofOf(1)?.frames.played).toBeGreaterThan(30);
    expect(rig.faults.length).toBeGreaterThan(0);
  });

  it('is silent while the hour is not known, and plays on once it is', async () => {
    const rig = await Rig.create();
    rig.mediaAtUs = (us) => (us < 2_000_000 ? null : NOON + us);
    rig.plan(itemOf(1, 1_000, 4_000, OGG));
    const heard = await rig.runTo(6_000);
    expect(peak(heard.subarray(0, 2_000 * 48))).toBe(0);
    expect(likeness(heard, 2_100 * 48, SENT, 1_100 * 48, 2_500 * 48)).toBeGreaterThan(0.95);
    expect(rig.proofOf(1)?.reason).toBe('clock-unknown');
  });
});

describe('the rules', () => {
  const quiet = { utcOffsetMinutes: 420, quietHours: [{ from: '12:01', to: '12:02' }] };

  it('lets nothing but an emergency sound in quiet hours, to the sample', async () => {
    const rig = await Rig.create();
    rig.playout.setPlan([itemOf(1, 58_000, 4_000, OGG)], quiet);
    rig.jumpTo(57_000);
    const heard = await rig.runTo(63_000);
    expect(peak(heard.subarray(3_000 * 48))).toBe(0);
    expect(peak(heard.subarray(2_900 * 48, 2_975 * 48))).toBeGreaterThan(0.05);
    expect(rig.proofOf(1)?.reason).toBe('quiet-hours');
  });

  it('lets an emergency through quiet hours, mute and volume 0', async () => {
    const rig = await Rig.create();
    rig.playout.setPlan([{ ...itemOf(1, 62_000, 4_000, OGG), priority: 'emergency' }], quiet);
    rig.now({ isMuted: true, volume: 0 });
    rig.jumpTo(61_000);
    const heard = await rig.runTo(67_000);
    expect(likeness(heard, 1_010 * 48, SENT, 480, 3_900 * 48)).toBeGreaterThan(0.95);
  });

  it('glides to a new volume', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 1_000, 4_000, SINE_OGG));
    const heard = await rig.runTo(5_000, (nowMs) => {
      if (nowMs === 3_000) rig.now({ volume: 50 });
    });
    expect(peak(heard.subarray(2_500 * 48, 3_000 * 48))).toBeCloseTo(0.5, 1);
    expect(peak(heard.subarray(3_200 * 48, 4_000 * 48))).toBeCloseTo(0.125, 2);
    expect(largestStep(heard)).toBeLessThan(NO_CLICK);
  });
});

describe('proofs', () => {
  it('come once, though the plan is set again and again', async () => {
    const rig = await Rig.create();
    const items = [itemOf(1, 1_000, 1_000, OGG), itemOf(2, 2_500, 1_000, OGG)];
    await rig.runTo(6_000, (nowMs) => {
      if (nowMs % 500 === 0) rig.plan(...items);
    });
    expect(rig.proofs.map(({ broadcastId }) => broadcastId)).toEqual([idOf(1), idOf(2)]);
    expect(rig.proofs.every(({ frames }) => frames.played === 50)).toBe(true);
  });

  it('do not come of what was taken out before it began', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 2_000, 1_000, OGG));
    await rig.runTo(1_000);
    rig.plan();
    expect(peak(await rig.runTo(4_000))).toBe(0);
    expect(rig.proofs).toEqual([]);
  });

  it('say that an item that was taken out while it sounded was stopped', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 1_000, 2_000, OGG));
    await rig.runTo(2_000);
    rig.plan();
    await rig.runTo(4_000);
    expect(rig.proofs).toHaveLength(1);
    expect(rig.proofOf(1)?.reason).toBe('stopped');
  });

  it('come of items whose whole window passed while the receiver was off', async () => {
    const rig = await Rig.create();
    rig.jumpTo(10_000);
    rig.plan(itemOf(1, 1_000, 1_000, OGG));
    await rig.runTo(10_100);
    expect(rig.proofOf(1)).toMatchObject({ frames: { played: 0, missed: 50 }, reason: 'powered-off' });
  });
});

function fail(): never {
  throw new Error('listener');
}

describe('the output line', () => {
  it('follows a clock that drifts by 100 ppm for a minute within 1 ms, without a click', async () => {
    const rig = await Rig.create();
    // From 5 s on the board's clock is slow: media time runs ahead of it.
    rig.mediaAtUs = (us) => NOON + us + Math.max(0, us - 5_000_000) * 100e-6;
    const marked = noise(3, 60 * 48_000);
    rig.plan(itemOf(1, 1_000, 60_000, oggOf(marked)));
    const heard = await rig.runTo(60_000);
    for (const atS of [3, 10, 30, 55]) {
      const mediaS = atS + Math.max(0, atS - 5) * 100e-6;
      const found = bestShift(heard, atS * 48_000, marked, Math.round((mediaS - 1) * 48_000), 4_800);
      // 8 samples are 0.17 ms: it takes a few seconds to learn the drift.
      expect(Math.abs(found.shift)).toBeLessThan(8);
      // Less than when whole samples meet.
      expect(found.likeness).toBeGreaterThan(0.9);
    }
    expect(largestStep(heard)).toBeLessThan(1.3 * largestStep(marked));
  });

  it('begins anew, faded, at the right sample after media time has jumped', async () => {
    const rig = await Rig.create();
    rig.mediaAtUs = (us) => NOON + us + (us >= 2_000_000 ? 50_000 : 0);
    rig.plan(itemOf(1, 1_000, 4_000, OGG));
    const heard = await rig.runTo(4_000);
    const found = bestShift(heard, 2_100 * 48, SENT, 1_150 * 48, 1_500 * 48);
    expect(found.shift).toBe(0);
    expect(found.likeness).toBeGreaterThan(0.95);
    expect(largestStep(heard)).toBeLessThan(1.5 * largestStep(SENT));
  });

  it('remembers the last 12 s for whoever listens', async () => {
    const rig = await Rig.create();
    expect(rig.playout.recent(null, 1_000)).toBeNull();
    rig.plan(itemOf(1, 1_000, 4_000, OGG));
    const heard = await rig.runTo(16_000);
    const recent = rig.playout.recent(afterNoon(4_100), 500);
    expect(recent?.from).toBe(afterNoon(4_100));
    expect(likeness(recent?.samples ?? new Float32Array(), 0, heard, 4_100 * 48, 500 * 48)).toBeGreaterThan(
      0.999,
    );
    expect(rig.playout.recent(null, 99_000)?.samples).toHaveLength(12 * 48_000);
    expect(rig.playout.recent(mediaTime(NOON + 17_000_000), 100)).toBeNull();
  });

  it('never throws and never clips, whatever its listeners do', async () => {
    const rig = await Rig.create({ onProof: fail, onSounding: fail });
    rig.plan(itemOf(1, 1_000, 1_000, OGG));
    const heard = await rig.runTo(3_000);
    expect(peak(heard)).toBeLessThanOrEqual(1);
    expect(rig.faults).toHaveLength(3);
  });
});
