import { describe, expect, it } from 'vitest';
import type { Policy } from '@loalang/shared';
import {
  Rig,
  afterNoon,
  bestShift,
  framesOfSamples,
  idOf,
  itemOf,
  largestStep,
  noise,
  oggOf,
  packetsOf,
  peak,
  sine,
  streamOf,
} from './test-rig.ts';

// What the encoder delays the audio by, in samples.
const ENCODER_DELAY = 312;
const SENT = noise(7, 4 * 48_000);
const OGG = oggOf(SENT);
const LONG = noise(8, 30 * 48_000);
const LONG_OGG = oggOf(LONG);
const SINE_OGG = oggOf(sine(300, 20 * 48_000));
// The largest step within a 300 Hz sine of amplitude 0.5 is 0.0196.
const NO_CLICK = 0.021;

async function rigAt(offsetMs: number): Promise<Rig> {
  const rig = await Rig.create();
  rig.playout.setAcousticOffset(offsetMs);
  return rig;
}

describe('a receiver with an acoustic offset', () => {
  it.each([0, 1, 291, 2_000])(
    'sounds %d ms later, to the sample, whole, and proves when',
    async (offsetMs) => {
      const rig = await rigAt(offsetMs);
      rig.plan(itemOf(1, 1_000, 4_000, OGG));
      const heard = await rig.runTo(8_000);
      const start = (1_000 + offsetMs) * 48;
      expect(peak(heard.subarray(0, start))).toBe(0);
      const found = bestShift(heard, start + 480, SENT, 480, 180_000);
      expect(found.shift).toBe(0);
      expect(found.likeness).toBeGreaterThan(0.95);
      expect(peak(heard.subarray(start + 4 * 48_000))).toBe(0);
      expect(rig.proofOf(1)).toMatchObject({
        startedAt: afterNoon(1_000 + offsetMs),
        endedAt: afterNoon(5_000 + offsetMs),
        frames: { played: 200, concealed: 0, missed: 0 },
        reason: null,
      });
      const listened = rig.playout.recent(afterNoon(1_000 + offsetMs), 1_000);
      expect(bestShift(listened?.samples ?? new Float32Array(0), 480, SENT, 480, 40_000).shift).toBe(0);
    },
  );

  it('lets the packets of a live stream wait, and plays those that come later than they would be needed elsewhere', async () => {
    const rig = await rigAt(500);
    rig.now({ streams: [streamOf(9, 0, 60_000)] });
    const packets = packetsOf(await framesOfSamples(SENT), afterNoon(1_000));
    const heard = await rig.runTo(8_000, (nowMs) => {
      packets.forEach((packet, index) => {
        // 300 ms after their stamps.
        const atMs = 1_300 + index * 60;
        if (atMs >= nowMs && atMs < nowMs + 20) rig.playout.insert(idOf(9), packet, nowMs * 1000);
      });
    });
    const start = 1_500 * 48;
    expect(peak(heard.subarray(0, start - 1))).toBe(0);
    const found = bestShift(heard, start + ENCODER_DELAY + 960, SENT, 960, 150_000);
    expect(Math.abs(found.shift)).toBeLessThanOrEqual(1);
    expect(rig.proofOf(9)).toMatchObject({
      frames: { played: 200, concealed: 0, missed: 0 },
      reason: null,
      startedAt: afterNoon(1_500),
    });
  });

  // The longest latency; the lead that it may grow to, at a receiver whose clock lags by all that it may.
  it.each([
    [10_000, 0],
    [15_000, 2_000],
  ])('keeps what was stamped %d ms ahead, on a clock that lags by %d ms, whole', async (leadMs, lagMs) => {
    const rig = await rigAt(2_000);
    rig.mediaAtUs = (us) => afterNoon(us / 1000 - lagMs);
    const stampMs = 1_000 + leadMs;
    rig.now({ streams: [{ ...streamOf(9, 0, 60_000), latencyMs: 10_000 }] });
    const packets = packetsOf(await framesOfSamples(SENT), afterNoon(stampMs));
    await rig.runTo(stampMs + 8_000 + lagMs, (nowMs) => {
      packets.forEach((packet, index) => {
        // As soon as its third frame was stamped, and with no way at all.
        if (1_040 + index * 60 === nowMs) rig.playout.insert(idOf(9), packet, nowMs * 1000);
      });
    });
    expect(rig.proofOf(9)).toMatchObject({
      frames: { played: 200, concealed: 0, missed: 0 },
      startedAt: afterNoon(stampMs + 2_000),
    });
  });

  it('plays a stream that was shorter than its offset', async () => {
    const rig = await rigAt(2_000);
    rig.now({ streams: [streamOf(9, 0, 60_000)] });
    const packets = packetsOf(await framesOfSamples(SENT.subarray(0, 48_000)), afterNoon(500));
    const heard = await rig.runTo(5_000, (nowMs) => {
      if (nowMs === 400) packets.forEach((packet) => rig.playout.insert(idOf(9), packet, nowMs * 1000));
      if (nowMs === 1_600) rig.now({});
    });
    const found = bestShift(heard, 2_500 * 48 + ENCODER_DELAY + 960, SENT, 960, 40_000);
    expect(Math.abs(found.shift)).toBeLessThanOrEqual(1);
    expect(rig.proofOf(9)?.frames).toEqual({ played: 50, concealed: 0, missed: 0 });
  });

  it('falls silent at a stop as fast as any other, and is not heard where it was stopped before its own start', async () => {
    const rig = await rigAt(2_000);
    rig.plan(itemOf(1, 1_000, 4_000, OGG), itemOf(2, 6_000, 4_000, OGG));
    const heard = await rig.runTo(14_000, (nowMs) => {
      if (nowMs === 4_000) rig.now({ stopped: [idOf(1)] });
      if (nowMs === 7_000) rig.now({ stopped: [idOf(1), idOf(2)] });
    });
    expect(peak(heard.subarray(3_900 * 48, 4_000 * 48))).toBeGreaterThan(0.1);
    expect(peak(heard.subarray(4_025 * 48 + 1))).toBe(0);
    expect(rig.proofOf(1)).toMatchObject({ reason: 'stopped', endedAt: afterNoon(4_025) });
    expect(rig.proofOf(2)).toMatchObject({ reason: 'stopped', startedAt: null });
  });

  it('keeps quiet hours by what it plays, so that neighbours end on the same word', async () => {
    const quiet: Policy = { utcOffsetMinutes: 420, quietHours: [{ from: '12:01', to: '12:02' }] };
    const rig = await rigAt(1_000);
    rig.jumpTo(57_000);
    rig.playout.setPlan([itemOf(1, 58_000, 4_000, OGG)], quiet);
    const heard = await rig.runTo(65_000);
    expect(peak(heard.subarray(3_900 * 48, 3_970 * 48))).toBeGreaterThan(0.1);
    expect(peak(heard.subarray(4_000 * 48))).toBe(0);
    expect(rig.proofOf(1)).toMatchObject({ reason: 'quiet-hours', endedAt: afterNoon(61_000) });
  });
});

describe('a change of the acoustic offset', () => {
  it('slews while something sounds, without a click, and counts in whole from the next silence on', async () => {
    const rig = await rigAt(0);
    rig.plan(itemOf(1, 1_000, 30_000, LONG_OGG), itemOf(2, 33_000, 4_000, OGG));
    const heard = await rig.runTo(39_000, (nowMs) => {
      if (nowMs === 2_000) rig.playout.setAcousticOffset(400);
    });
    // In the middle of what is compared 25.05 s at 300 ppm have gone by: 360.7 samples.
    const found = bestShift(heard, 27_000 * 48 + 361, LONG, 26_000 * 48, 4_800);
    expect(Math.abs(found.shift)).toBeLessThan(2);
    expect(found.likeness).toBeGreaterThan(0.9);
    expect(rig.proofOf(1)?.frames).toEqual({ played: 1_500, concealed: 0, missed: 0 });
    expect(bestShift(heard, 33_400 * 48 + 480, SENT, 480, 180_000).shift).toBe(0);
    expect(rig.proofOf(2)).toMatchObject({ startedAt: afterNoon(33_400), reason: null });
  });

  it.each([
    { from: 0, to: 2_000 },
    { from: 2_000, to: 0 },
  ])('from $from to $to ms makes no click, and nothing is missed', async ({ from, to }) => {
    const rig = await rigAt(from);
    rig.plan(itemOf(1, 1_000, 20_000, SINE_OGG));
    const heard = await rig.runTo(24_000, (nowMs) => {
      if (nowMs === 8_000) rig.playout.setAcousticOffset(to);
    });
    expect(largestStep(heard)).toBeLessThan(NO_CLICK);
    expect(rig.proofOf(1)).toMatchObject({
      reason: null,
      frames: { played: 1_000, concealed: 0, missed: 0 },
    });
  });

  it('counts at once in silence, also where something is about to begin', async () => {
    const rig = await rigAt(0);
    rig.plan(itemOf(1, 1_000, 4_000, OGG));
    const heard = await rig.runTo(7_000, (nowMs) => {
      if (nowMs === 900) rig.playout.setAcousticOffset(500);
    });
    expect(bestShift(heard, 1_500 * 48 + 480, SENT, 480, 180_000).shift).toBe(0);
  });

  it('to a smaller one does not cost the beginning of what is about to begin', async () => {
    const rig = await rigAt(1_000);
    rig.plan(itemOf(1, 1_000, 4_000, OGG), itemOf(2, 8_000, 4_000, OGG));
    const heard = await rig.runTo(13_000, (nowMs) => {
      if (nowMs === 1_500) rig.playout.setAcousticOffset(0);
    });
    expect(rig.proofOf(1)).toMatchObject({ reason: null, frames: { played: 200, concealed: 0, missed: 0 } });
    expect(bestShift(heard, 8_000 * 48 + 480, SENT, 480, 180_000).shift).toBe(0);
    expect(rig.proofOf(2)?.startedAt).toBe(afterNoon(8_000));
  });
});
