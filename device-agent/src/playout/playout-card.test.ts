// What the playout makes of a sound card with a clock of its own, and of one that is gone.
import { describe, expect, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { DeviceLine } from '../sink/device-line.ts';
import { Resampler } from './resampler.ts';
import { Steering } from './steering.ts';
import {
  BLOCK,
  NOON,
  Rig,
  bestShift,
  idOf,
  itemOf,
  largestStep,
  noise,
  oggOf,
  packetsOf,
  sine,
  streamOf,
} from './test-rig.ts';
import { distortionDb } from './distortion.ts';

const SENT = noise(7, 20 * 48_000);
const OGG = oggOf(SENT);
const SINE_OGG = oggOf(sine(300, 10 * 48_000));

/** When each block is heard by the estimate of a card with so much drift, read with so much noise. */
function* estimates(
  ppm: number,
  noiseUs: number,
): Generator<{ heardAtUs: number; pace: number }, never, void> {
  const line = new DeviceLine();
  let state = 99;
  let slowUs = 0;
  for (let block = 0; ; block += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // Errors are alike for about a second, as they are on real cards.
    slowUs += 0.02 * ((state / 2 ** 32 - 0.5) * 12 * noiseUs - slowUs);
    const nowUs = block * 20_000;
    const played = (nowUs + slowUs) * 0.048 * (1 + ppm * 1e-6);
    line.observe(block * BLOCK + 9_600, block * BLOCK + 9_600 - played, nowUs);
    yield { heardAtUs: line.heardAtUs(block * BLOCK), pace: line.pace };
  }
}

/** Lets a rig be pulled by such a card, which has played silence for `warmMs` before. */
async function play(rig: Rig, given: { ppm: number; noiseUs: number; warmMs: number }, ms: number) {
  const out = new Float32Array(Math.round(ms / 20) * BLOCK);
  const card = estimates(given.ppm, given.noiseUs);
  for (let block = 0; block < given.warmMs / 20; block += 1) card.next();
  for (let done = 0; done < out.length; done += BLOCK) {
    const { heardAtUs, pace } = card.next().value;
    rig.playout.render(heardAtUs, out.subarray(done, done + BLOCK), pace);
    for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
  }
  return out;
}

describe('a sound card of its own clock', () => {
  it.each([
    { ppm: 160, noiseUs: 0, warmMs: 0, atMostMs: 0.45 },
    { ppm: -160, noiseUs: 100, warmMs: 0, atMostMs: 0.45 },
    { ppm: 160, noiseUs: 100, warmMs: 60_000, atMostMs: 0.1 },
    { ppm: -160, noiseUs: 0, warmMs: 60_000, atMostMs: 0.1 },
  ])('of $ppm ppm, read with $noiseUs us of noise, $warmMs ms after its start is on time', async (given) => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, given.warmMs + 2_000, 16_000, OGG));
    const heard = await play(rig, given, 19_000);
    const late = [0.5, 3, 6, 9, 12, 15].map((second) => {
      const dueMs = (given.warmMs + 2_000 + second * 1_000) * (1 + given.ppm * 1e-6) - given.warmMs;
      const found = bestShift(heard, Math.round(dueMs * 48), SENT, second * 48_000, 2_400);
      expect(found.likeness).toBeGreaterThan(0.9);
      return found.shift / 48;
    });
    expect(Math.max(...late.map(Math.abs))).toBeLessThan(given.atMostMs);
    expect(rig.proofOf(1)?.frames).toEqual({ played: 800, concealed: 0, missed: 0 });
  });

  it.each([160, -160])('of %d ppm clicks nowhere', async (ppm) => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 1_000, 8_000, SINE_OGG));
    expect(largestStep(await play(rig, { ppm, noiseUs: 100, warmMs: 0 }, 10_000))).toBeLessThan(0.04);
  });

  it.each([
    { ppm: 160, noiseUs: 0, fromBlock: 0, atMostDb: -55 },
    { ppm: 100, noiseUs: 100, fromBlock: 2_000, atMostDb: -80 },
    { ppm: -160, noiseUs: 100, fromBlock: 2_000, atMostDb: -80 },
  ])('of $ppm ppm with $noiseUs us of noise adds less than $atMostDb dB to a tone', (given) => {
    const card = estimates(given.ppm, given.noiseUs);
    const steering = new Steering();
    const resampler = new Resampler(toneSource());
    let worstDb = -Infinity;
    const window = new Float32Array(5 * BLOCK);
    for (let block = 0; block < given.fromBlock + 500; block += 1) {
      const { heardAtUs, pace } = card.next().value;
      const span = steering.advance(mediaTime(Math.round(NOON + heardAtUs)), BLOCK, () => pace);
      const position = (span.base - NOON) * 0.048 + span.offset + 48_000;
      const place = block % 5;
      resampler.read(position, span.step, window.subarray(place * BLOCK, (place + 1) * BLOCK));
      if (place === 4 && block >= given.fromBlock) {
        worstDb = Math.max(worstDb, distortionDb(window, 1_000 * span.step));
      }
    }
    expect(worstDb).toBeLessThan(given.atMostDb);
  });
});

/** 1 kHz, without an end. */
function toneSource(): ConstructorParameters<typeof Resampler>[0] {
  let position = 0;
  return {
    seek(sample) {
      position = sample;
    },
    next() {
      const from = position;
      position += BLOCK;
      return Float32Array.from({ length: BLOCK }, (_, index) =>
        Math.sin((2 * Math.PI * 1_000 * (from + index)) / 48_000),
      );
    },
    close() {},
  };
}

describe('a sink that is gone', () => {
  it('breaks off what sounds, tells so, and goes on where the clock says when it is back', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 1_000, 20_000, OGG));
    await rig.runTo(3_000);
    for (let ms = 3_000; ms < 8_000; ms += 1_000) rig.playout.passUnheard(ms * 1_000);
    expect(rig.soundings).toEqual([{ broadcastId: idOf(1), kind: 'item' }, null]);
    rig.jumpTo(8_000);
    const heard = await rig.runTo(22_000);
    const found = bestShift(heard, 48_000, SENT, 8 * 48_000, 48_000);
    expect([found.shift, found.likeness > 0.9]).toEqual([0, true]);
    expect(rig.proofOf(1)).toMatchObject({
      frames: { played: 750, concealed: 0, missed: 250 },
      reason: 'sink-failed',
    });
  });

  it('is proved as the reason though it never comes back, also of a voice', async () => {
    const rig = await Rig.create();
    rig.plan(itemOf(1, 2_000, 4_000, OGG));
    rig.now({ streams: [streamOf(2, 8_000, 12_000)] });
    await rig.runTo(1_000);
    for (let ms = 1_000; ms < 16_000; ms += 1_000) {
      rig.playout.passUnheard(ms * 1_000);
      if (ms === 8_000) insertSilence(rig, ms);
    }
    expect(rig.proofOf(1)).toMatchObject({ frames: { played: 0, missed: 200 }, reason: 'sink-failed' });
    expect(rig.proofOf(2)).toMatchObject({ frames: { played: 0 }, reason: 'sink-failed' });
  });
});

function insertSilence(rig: Rig, ms: number): void {
  const frames = Array.from({ length: 30 }, () => Uint8Array.of(0xf8, 0xff, 0xfe));
  for (const packet of packetsOf(frames, mediaTime(NOON + ms * 1_000))) {
    rig.playout.insert(idOf(2), packet, ms * 1_000);
  }
}
