// The real libasound, a card with a clock of its own, and a recording of what comes out of it.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import type { MediaTime } from '@loalang/shared';
import { createOpusDecoder } from '@loalang/shared/opus';
import { systemClock } from '../clock/monotonic.ts';
import { Playout } from '../playout/playout.ts';
import { NOON, NO_QUIET, bestShift, itemOf, noise, oggOf, peak } from '../playout/test-rig.ts';
import { AlsaSink } from './alsa-sink.ts';
import { openAlsaPcm } from './alsa-pcm.ts';
import { PcmError } from './pcm.ts';
import { PulseRig } from './pulse-rig.ts';

const SECONDS = 6;
const SENT = noise(7, SECONDS * 48_000);
const OGG = oggOf(SENT);
const WINDOW = 4_800;
/** How far the recording's place in time is known: a block of the card, one of the recorder, and a busy machine. */
const PLACE_KNOWN_MS = 20;

let rig: PulseRig;
let sink: AlsaSink;
let playout: Playout;
let lastId = 0;
let blocks = 0;
let health: (string | null)[];
const startUs = systemClock.nowUs();
const toMediaTime = (us: number): MediaTime => mediaTime(Math.round(NOON + us - startUs));

beforeEach(async () => {
  rig = await PulseRig.create();
  await rig.startServer();
  await rig.record();
  health = [];
  blocks = 0;
  (await createOpusDecoder()).close();
  playout = new Playout({
    createDecoder: createOpusDecoder,
    timeline: { toMediaTime },
    onProof: () => {},
    onSounding: () => {},
  });
  // Comparing recordings with real-time priority would starve the tests beside this one.
  const raisePriority = (): Promise<boolean> => Promise.resolve(false);
  sink = new AlsaSink({ device: 'pulse', clock: systemClock, raisePriority });
  await sink.start(
    (heardAtUs, out, pace) => {
      blocks += 1;
      playout.render(heardAtUs, out, pace);
    },
    (failure) => health.push(failure === null ? null : failure instanceof PcmError ? failure.code : '?'),
  );
  // A null sink that was idle takes up to two seconds before it asks in small blocks.
  await rig.until('pulled', () => blocks > 50);
});

afterEach(async () => {
  await sink.close();
  playout.close();
  await rig.close();
});

/** Plays the item so many milliseconds from now; returns the monotonic moment. */
function playIn(ms: number): number {
  const atUs = systemClock.nowUs() + ms * 1_000;
  lastId += 1;
  playout.setPlan([itemOf(lastId, (atUs - startUs) / 1_000, SECONDS * 1_000, OGG)], NO_QUIET);
  return atUs;
}

/** Where the recording holds the item, in samples. */
function findItem(dueUs: number): number {
  const due = Math.round((dueUs - rig.startUs) * 0.048);
  const centres = Array.from({ length: 21 }, (_, index) => due + (index - 10) * 200);
  const found = centres
    .map((centre) => ({ centre, ...bestShift(rig.recorded, centre + 48_000, SENT, 48_000, WINDOW) }))
    .toSorted((a, b) => b.likeness - a.likeness)[0];
  expect(found?.likeness).toBeGreaterThan(0.8);
  return (found?.centre ?? 0) + (found?.shift ?? 0);
}

/**
 * Plays the item; returns when it was due and where the recording holds it. A server that the machine left without a turn
 * has gaps of its own: of those the sink must tell, and then it is tried again.
 */
async function playUndisturbed(): Promise<{ dueUs: number; at: number }> {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const { underruns, moves } = sink.report;
    const dueUs = playIn(1_000);
    await rig.recordedUntil(dueUs + SECONDS * 1e6 + 500_000);
    const after = sink.report;
    if (after.underruns === underruns && after.moves === moves) return { dueUs, at: findItem(dueUs) };
  }
  throw new Error('the machine is too busy for a sound card made of software');
}

it('what goes in comes out of the card: on time, whole, without a gap, and silence around it', async () => {
  const { dueUs, at } = await playUndisturbed();
  expect(Math.abs(at / 48 - (dueUs - rig.startUs) / 1_000)).toBeLessThan(PLACE_KNOWN_MS);
  const windows = Array.from({ length: (SECONDS * 48_000) / WINDOW - 1 }, (_, index) => index * WINDOW);
  const likes = windows.map((from) => bestShift(rig.recorded, at + from, SENT, from, WINDOW));
  expect(likes.filter((found) => found.likeness < 0.85)).toEqual([]);
  // While the card's drift is being learnt, the first half minute, no window is further off than 1.5 ms.
  expect(Math.max(...likes.map(({ shift }) => Math.abs(shift)))).toBeLessThan(72);
  expect(peak(rig.recorded.subarray(at - 24_000, at - 480))).toBe(0);
  expect(peak(rig.recorded.subarray(at + SENT.length + 480))).toBe(0);
  expect(health).toEqual([]);
}, 120_000);

it('a card that is taken away is told of, found again by itself, and plays where the clock says', async () => {
  playIn(200);
  await rig.stop();
  await rig.until('told', () => health.length > 0);
  expect(health).toHaveLength(1);
  await rig.startServer();
  await rig.record();
  await rig.until('found again', () => health.at(-1) === null);
  const { dueUs, at } = await playUndisturbed();
  expect(Math.abs(at / 48 - (dueUs - rig.startUs) / 1_000)).toBeLessThan(PLACE_KNOWN_MS);
}, 120_000);

it.each([
  { device: 'no-such-card', code: 'ENOENT' },
  { device: 'hw:31', code: 'ENOENT' },
])('opening $device says $code', async ({ device, code }) => {
  await expect(openAlsaPcm(device, 9_600)).rejects.toMatchObject({ code });
});
