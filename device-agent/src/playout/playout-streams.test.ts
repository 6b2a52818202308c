import { beforeAll, describe, expect, it } from 'vitest';
import type { AudioPacket } from '@loalang/shared';
import {
  Rig,
  afterNoon,
  bestShift,
  framesOfSamples,
  idOf,
  itemOf,
  largestStep,
  levelOf,
  likeness,
  noise,
  oggOf,
  packetsOf,
  peak,
  sine,
  streamOf,
} from './test-rig.ts';

// What the encoder delays the audio by, in samples.
const ENCODER_DELAY = 312;
const SENT = noise(21, 4 * 48_000);
const FILE = noise(5, 8 * 48_000);
const FILE_OGG = oggOf(FILE);
let frames: Uint8Array[] = [];
let sineFrames: Uint8Array[] = [];

beforeAll(async () => {
  frames = await framesOfSamples(SENT);
  sineFrames = await framesOfSamples(sine(300, 4 * 48_000));
});

interface Delivery {
  readonly packet: AudioPacket;
  readonly atMs: number;
}

/** Each packet so many milliseconds before it must be heard. */
const deliver = (packets: readonly AudioPacket[], startMs: number, aheadMs: number): Delivery[] =>
  packets.map((packet, index) => ({ packet, atMs: startMs + index * 60 - aheadMs }));

async function play(
  rig: Rig,
  id: number,
  deliveries: readonly Delivery[],
  untilMs: number,
  each?: (nowMs: number) => void,
): Promise<Float32Array> {
  return rig.runTo(untilMs, (nowMs) => {
    each?.(nowMs);
    for (const { packet, atMs } of deliveries) {
      if (atMs >= nowMs && atMs < nowMs + 20) rig.playout.insert(idOf(id), packet, nowMs * 1000);
    }
  });
}

describe('a live stream', () => {
  it('is heard at its stamps, whole, and proved when its sender ends it', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const heard = await play(rig, 1, deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500), 6_000);
    const found = bestShift(heard, 1_100 * 48 + ENCODER_DELAY, SENT, 100 * 48, 3_800 * 48);
    expect(Math.abs(found.shift)).toBeLessThanOrEqual(1);
    expect(found.likeness).toBeGreaterThan(0.95);
    expect(peak(heard.subarray(0, 1_000 * 48))).toBe(0);
    expect(peak(heard.subarray(5_000 * 48))).toBe(0);
    expect(rig.proofs.map((proof) => ({ ...proof, levelDbfs: Math.round(proof.levelDbfs ?? 0) }))).toEqual([
      {
        broadcastId: idOf(1),
        kind: 'stream',
        startedAt: afterNoon(1_000),
        endedAt: afterNoon(5_000),
        frames: { played: 200, concealed: 0, missed: 0 },
        reason: null,
        levelDbfs: levelOf(heard, 4 * 48_000),
      },
    ]);
    expect(rig.faults).toEqual([]);
  });

  it('is joined in the middle', async () => {
    const rig = await Rig.create();
    rig.jumpTo(2_000);
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const heard = await play(rig, 1, deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500), 6_000);
    expect(likeness(heard, 1_000 * 48 + ENCODER_DELAY, SENT, 2_000 * 48, 1_900 * 48)).toBeGreaterThan(0.95);
    const proof = rig.proofOf(1);
    expect(proof?.frames.missed).toBeGreaterThan(60);
    expect((proof?.frames.missed ?? 0) + (proof?.frames.played ?? 0)).toBe(200);
    expect(proof?.reason).toBe('powered-off');
  });

  it('takes packets out of order and twice', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const ordered = deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500);
    const mixed = ordered.flatMap(({ packet, atMs }, index) =>
      index % 2 === 0
        ? [
            { packet, atMs: atMs + 180 },
            { packet, atMs: atMs + 200 },
          ]
        : [{ packet, atMs }],
    );
    const heard = await play(rig, 1, mixed, 6_000);
    expect(likeness(heard, 1_100 * 48 + ENCODER_DELAY, SENT, 100 * 48, 3_800 * 48)).toBeGreaterThan(0.95);
    expect(rig.proofOf(1)?.frames).toEqual({ played: 200, concealed: 0, missed: 0 });
  });

  it('conceals what is lost, without a click', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const some = deliver(packetsOf(sineFrames, afterNoon(1_000)), 1_000, 500).filter(
      (_, index) => index % 9 !== 5,
    );
    const heard = await play(rig, 1, some, 6_000);
    const { played, concealed, missed } = rig.proofOf(1)?.frames ?? { played: 0, concealed: 0, missed: 0 };
    expect({ played, concealed, missed }).toEqual({ played: 179, concealed: 21, missed: 0 });
    expect(largestStep(heard)).toBeLessThan(0.06);
    expect(rig.proofOf(1)?.reason).toBeNull();
  });

  it('fades to silence after 100 ms of loss and comes back without a click', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const some = deliver(packetsOf(sineFrames, afterNoon(1_000)), 1_000, 500).filter(
      (_, index) => index < 20 || index >= 40,
    );
    const heard = await play(rig, 1, some, 6_000);
    expect(peak(heard.subarray(2_330 * 48, 3_390 * 48))).toBe(0);
    expect(peak(heard.subarray(3_500 * 48, 4_900 * 48))).toBeGreaterThan(0.4);
    expect(largestStep(heard)).toBeLessThan(0.06);
    expect(rig.proofOf(1)).toMatchObject({
      frames: { played: 140, concealed: 6, missed: 54 },
      reason: 'no-packets',
    });
  });

  it('does not play what comes too late, nor count it twice', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const late = deliver(packetsOf(sineFrames, afterNoon(1_000)), 1_000, 500).map(
      ({ packet, atMs }, index) =>
        index >= 20 && index < 40 ? { packet, atMs: atMs + 2_000 } : { packet, atMs },
    );
    const heard = await play(rig, 1, late, 6_000);
    expect(peak(heard.subarray(2_330 * 48, 3_390 * 48))).toBe(0);
    expect(rig.proofOf(1)?.frames).toEqual({ played: 140, concealed: 6, missed: 54 });
  });

  it('obeys a jump of its stamps as intended silence', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const packets = packetsOf(sineFrames, afterNoon(1_000)).map((packet, index) =>
      index < 30 ? packet : { ...packet, mediaTime: afterNoon(1_000 + index * 60 + 700) },
    );
    const heard = await play(rig, 1, deliver(packets, 1_000, 500), 7_000);
    expect(peak(heard.subarray(2_810 * 48, 3_490 * 48))).toBe(0);
    expect(largestStep(heard)).toBeLessThan(0.06);
    expect(rig.proofOf(1)?.frames).toEqual({ played: 200, concealed: 0, missed: 0 });
  });

  it('goes over a file of its priority, which goes on where the clock says', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(2, 500, 8_000, FILE_OGG));
    rig.now({ streams: [{ ...streamOf(1, 500, 60_000), priority: 'normal' }] });
    const heard = await play(rig, 1, deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500), 9_000);
    expect(likeness(heard, 550 * 48, FILE, 50 * 48, 440 * 48)).toBeGreaterThan(0.95);
    expect(likeness(heard, 1_100 * 48 + ENCODER_DELAY, SENT, 100 * 48, 3_800 * 48)).toBeGreaterThan(0.95);
    expect(likeness(heard, 5_050 * 48, FILE, 4_550 * 48, 3_000 * 48)).toBeGreaterThan(0.95);
    expect(rig.proofOf(2)?.reason).toBe('interrupted');
  });

  it('gives the loudspeaker back after 5 s without packets', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(2, 500, 8_000, FILE_OGG));
    rig.now({ streams: [streamOf(1, 500, 60_000)] });
    const heard = await play(
      rig,
      1,
      deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500).slice(0, 10),
      9_000,
    );
    expect(peak(heard.subarray(3_000 * 48, 6_500 * 48))).toBe(0);
    expect(likeness(heard, 7_000 * 48, FILE, 6_500 * 48, 1_400 * 48)).toBeGreaterThan(0.95);
  });

  it('is silent from the end of its time box on', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 3_000)] });
    const heard = await play(rig, 1, deliver(packetsOf(sineFrames, afterNoon(1_000)), 1_000, 500), 6_000);
    expect(peak(heard.subarray(3_000 * 48 + 1))).toBe(0);
    expect(peak(heard.subarray(2_900 * 48, 2_990 * 48))).toBeGreaterThan(0.4);
    expect(largestStep(heard)).toBeLessThan(0.06);
    expect(rig.proofOf(1)?.frames.played).toBe(100);
  });

  it('plays what has arrived after it was taken off the air', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const some = deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500).slice(0, 20);
    const heard = await play(rig, 1, some, 6_000, (nowMs) => {
      if (nowMs === 1_700) rig.now({});
    });
    expect(peak(heard.subarray(2_100 * 48, 2_190 * 48))).toBeGreaterThan(0.05);
    expect(peak(heard.subarray(2_210 * 48))).toBe(0);
    expect(rig.proofOf(1)).toMatchObject({ frames: { played: 60, concealed: 0, missed: 0 }, reason: null });
  });

  it('is cut at once when it is stopped', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    const all = deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500);
    const heard = await play(rig, 1, all, 6_000, (nowMs) => {
      if (nowMs === 2_000) rig.now({ stopped: [idOf(1)] });
    });
    expect(peak(heard.subarray(2_025 * 48 + 1))).toBe(0);
    expect(rig.proofOf(1)?.reason).toBe('stopped');
  });

  it('counts what is due while it is muted', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 60_000)], isMuted: true });
    const heard = await play(rig, 1, deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500), 6_000);
    expect(peak(heard)).toBe(0);
    expect(rig.proofOf(1)).toMatchObject({
      frames: { played: 0, concealed: 0, missed: 200 },
      reason: 'muted',
    });
  });

  it('is proved though nothing of it came', async () => {
    const rig = await Rig.create();
    rig.now({ streams: [streamOf(1, 0, 2_000)] });
    expect(peak(await rig.runTo(3_000))).toBe(0);
    expect(rig.proofOf(1)).toMatchObject({
      startedAt: null,
      reason: 'no-packets',
      frames: { played: 0, missed: 75 },
    });
  });

  it('tells how much of it waits', async () => {
    const rig = await Rig.create();
    expect(rig.playout.status()).toEqual({ playing: null, bufferMs: null, levelDbfs: null });
    rig.now({ streams: [streamOf(1, 0, 60_000)] });
    await play(rig, 1, deliver(packetsOf(frames, afterNoon(1_000)), 1_000, 500), 2_000);
    const { playing, bufferMs, levelDbfs } = rig.playout.status();
    expect(playing).toEqual({ broadcastId: idOf(1), kind: 'stream' });
    expect(bufferMs).toBeGreaterThan(400);
    expect(levelDbfs).toBeGreaterThan(-40);
  });
});
