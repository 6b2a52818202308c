import { expect, test } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { HandClock } from '../testing/hand-clock.ts';
import { learnRtc, rtcUncertaintyPpm, UNKNOWN_RTC, type RtcDrift, type RtcPair } from './rtc-drift.ts';
import { RtcKeeper, type RtcKeeperOptions } from './rtc-keeper.ts';
import { readRtc, type Rtc, type RtcReading } from './rtc.ts';

const HOUR_S = 3_600;

class HandRtc implements Rtc {
  readonly stepMs = 1000;
  readonly clock: HandClock;
  aheadMs = 0;
  isStill = false;
  refusal: Error | null = null;
  readonly settings: number[] = [];

  constructor(clock: HandClock) {
    this.clock = clock;
  }

  readMs(): number {
    const ms = this.isStill ? 0 : this.clock.nowUs() / 1000 + this.aheadMs;
    return Math.floor(ms / 1000) * 1000;
  }

  setMs(unixMs: number): Promise<void> {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    this.settings.push(unixMs);
    this.aheadMs = unixMs - this.clock.nowUs() / 1000;
    return Promise.resolve();
  }
}

/** Lets so much time pass in steps of 10 ms, with what waits on promises in between. */
async function pass(clock: HandClock, ms: number): Promise<void> {
  for (let done = 0; done < ms; done += 10) {
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    clock.advance(10);
  }
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}

function makeRig(options: Partial<RtcKeeperOptions> = {}): {
  clock: HandClock;
  rtc: HandRtc;
  keeper: RtcKeeper;
  firsts: (RtcReading | null)[];
  refused: unknown[];
} {
  const clock = new HandClock();
  const rtc = new HandRtc(clock);
  const firsts: (RtcReading | null)[] = [];
  const refused: unknown[] = [];
  const keeper = new RtcKeeper({
    rtc,
    clock,
    known: null,
    told: (atUs) => ({ media: mediaTime(atUs), uncertaintyUs: 1_000 }),
    onFirst: (reading) => firsts.push(reading),
    onLearnt: () => undefined,
    onRefused: (error) => refused.push(error),
    ...options,
  });
  return { clock, rtc, keeper, firsts, refused };
}

test('a clock of whole seconds is read at its step, to 10 ms', async () => {
  const clock = new HandClock();
  const rtc = new HandRtc(clock);
  rtc.aheadMs = 347;
  const reading = readRtc(rtc, clock, new AbortController().signal);
  await pass(clock, 1_000);
  const found = await reading;
  const truthMs = (found?.atUs ?? 0) / 1000 + 347;
  expect(found?.uncertaintyUs).toBe(10_000);
  expect(Math.abs((found?.rtcMs ?? 0) - truthMs)).toBeLessThanOrEqual(10);
});

test('a step that passed while the process was held up is not taken for the moment of the look', async () => {
  const clock = new HandClock();
  const rtc = new HandRtc(clock);
  const reading = readRtc(rtc, clock, new AbortController().signal);
  await pass(clock, 500);
  clock.advance(5_300);
  await pass(clock, 1_000);
  expect(Math.abs(((await reading)?.rtcMs ?? 0) - ((await reading)?.atUs ?? 0) / 1000)).toBeLessThanOrEqual(
    10,
  );
});

test('one that stands still, or that nobody waits for any more, says nothing', async () => {
  const clock = new HandClock();
  const rtc = new HandRtc(clock);
  rtc.isStill = true;
  const reading = readRtc(rtc, clock, new AbortController().signal);
  await pass(clock, 2_500);
  expect(await reading).toBeNull();
  rtc.isStill = false;
  const ended = new AbortController();
  const given = readRtc(rtc, clock, ended.signal);
  ended.abort();
  await pass(clock, 20);
  expect(await given).toBeNull();
});

test('the keeper tells of its first reading, sets a clock that is off, and leaves one alone that is not', async () => {
  const { clock, rtc, keeper, firsts } = makeRig();
  rtc.aheadMs = -7_200_000;
  keeper.start();
  await pass(clock, 3_500);
  expect(firsts).toHaveLength(1);
  expect(rtc.settings).toHaveLength(1);
  await pass(clock, 1_200_000);
  expect(rtc.settings).toHaveLength(1);
  await keeper.close();
});

test('it is not judged by a time that is not well known', async () => {
  const { clock, rtc, keeper } = makeRig({
    told: (atUs) => ({ media: mediaTime(atUs), uncertaintyUs: 60_000 }),
  });
  rtc.aheadMs = -7_200_000;
  keeper.start();
  await pass(clock, 3_000);
  expect(rtc.settings).toEqual([]);
  await keeper.close();
});

test('where setting is not allowed it says so once, and its time is not worth keeping', async () => {
  const { clock, rtc, keeper, refused } = makeRig();
  rtc.aheadMs = -7_200_000;
  rtc.refusal = new Error('not permitted');
  keeper.start();
  await pass(clock, 1_300_000);
  expect(refused).toEqual([rtc.refusal]);
  expect(keeper.atMs(clock.nowUs(), mediaTime(clock.nowUs()))).toBeNull();
  await keeper.close();
});

const pair = (seconds: number, rtcS: number): RtcPair => ({
  media: mediaTime(seconds * 1e6),
  rtcMs: rtcS * 1000,
});

test('a stretch of hours tells the drift, a short one nothing, an impossible one is not believed', () => {
  const begun = learnRtc(UNKNOWN_RTC, pair(0, 0));
  expect(learnRtc(begun, pair(HOUR_S, HOUR_S + 1))).toBe(begun);
  const learnt = learnRtc(begun, pair(10 * HOUR_S, 10 * HOUR_S + 0.36));
  expect(learnt.driftPpm).toBeCloseTo(10, 6);
  const moved = learnRtc(learnt, pair(20 * HOUR_S, 25 * HOUR_S));
  expect(moved).toEqual({ ...learnt, since: pair(20 * HOUR_S, 25 * HOUR_S) });
});

test('what was learnt long ago gives way', () => {
  let known: RtcDrift = learnRtc(UNKNOWN_RTC, pair(0, 0));
  let [media, rtc] = [0, 0];
  for (let day = 0; day < 120; day += 1) {
    media += 86_400;
    rtc += 86_400 * (1 + (day < 60 ? 20e-6 : -5e-6));
    known = learnRtc(known, pair(media, rtc));
  }
  expect(known.driftPpm).toBeGreaterThan(-5.1);
  expect(known.driftPpm).toBeLessThan(-4);
});

test('the uncertainty falls with what was learnt, never below the weather', () => {
  const ppm = [0, 0.25, 1, 7, 14].map((days) =>
    rtcUncertaintyPpm({ ...UNKNOWN_RTC, learntS: days * 86_400 }),
  );
  expect(ppm.map((each) => Math.round(each * 10) / 10)).toEqual([40, 23, 8, 3.7, 3.4]);
});
