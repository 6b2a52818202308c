import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { Steering } from '../playout/steering.ts';
import { SimulatedPath, type Path } from '../testing/simulated-path.ts';
import type { ClockSample } from './clock-filter.ts';
import { DeviceClock, type KeptTime } from './device-clock.ts';
import type { RtcReading } from './rtc.ts';

const lan: Path = { upUs: 500, downUs: 500, jitterUs: 100, driftPpm: 20 };

function makeClock(options: { kept?: KeptTime; isSounding?: () => boolean } = {}): DeviceClock {
  return new DeviceClock({ kept: options.kept ?? null, isSounding: options.isSounding ?? (() => false) });
}

function rtcAt(rtcMs: number): RtcReading {
  return { atUs: 1e6, rtcMs, uncertaintyUs: 10_000 };
}

test('before the first exchange it knows no hour', () => {
  const clock = makeClock();
  expect(clock.toMediaTime(5e6)).toBeNull();
  expect(clock.reading(5e6)).toEqual({ state: 'none', offsetUs: null, uncertaintyUs: null, ageMs: null });
  expect(clock.keep(5e6, 0)).toBeNull();
});

test('a short round trip puts it in step, a long one lets it know the hour', () => {
  const inStep = makeClock();
  inStep.addBurst(new SimulatedPath(lan, 1).burst(1e6), 2e6);
  expect(inStep.reading(2e6).state).toBe('in-step');
  const far = makeClock();
  far.addBurst(new SimulatedPath({ ...lan, upUs: 300_000, downUs: 300_000 }, 1).burst(1e6), 2e6);
  expect(far.reading(2e6).state).toBe('hour-known');
  expect(far.toMediaTime(2e6)).not.toBeNull();
});

test('left alone for long it knows the hour no more', () => {
  const clock = makeClock();
  clock.addBurst(new SimulatedPath(lan, 1).burst(1e6), 2e6);
  expect(clock.reading(2e6 + 3_600e6).state).toBe('hour-known');
  expect(clock.toMediaTime(2e6 + 100 * 3_600e6)).toBeNull();
});

test('while something sounds it follows a platform whose clock was moved by 150 ppm at most', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -450_000, max: 450_000 }),
      fc.integer({ min: 1, max: 1e6 }),
      (jumpUs, seed) => {
        const path = new SimulatedPath({ ...lan, driftPpm: 0 }, seed);
        let isSounding = false;
        const clock = makeClock({ isSounding: () => isSounding });
        // Up to the sixth burst it may be set by what the steering works off.
        for (let index = 1; index <= 7; index += 1)
          clock.addBurst(path.burst(index * 2e6), index * 2e6 + 1e6);
        isSounding = true;
        let last = { atUs: 15e6, media: clock.toMediaTime(15e6) ?? 0 };
        for (let index = 1; index <= 12; index += 1) {
          const atUs = 15e6 + index * 30e6;
          const burst = path
            .burst(atUs)
            .map((each) => ({ ...each, t2: each.t2 + jumpUs, t3: each.t3 + jumpUs }));
          clock.addBurst(burst, atUs + 1e6);
          for (const askedUs of [atUs + 1e6, atUs + 1_020_000, atUs + 20e6]) {
            const media = clock.toMediaTime(askedUs);
            if (media === null) continue;
            const passedUs = askedUs - last.atUs;
            expect(Math.abs(media - last.media - passedUs)).toBeLessThanOrEqual(passedUs * 210e-6 + 2);
            last = { atUs: askedUs, media };
          }
        }
      },
    ),
    { seed: 5, numRuns: 60 * inject('soak') },
  );
});

test('what is still to be slewed counts as uncertainty', () => {
  const path = new SimulatedPath({ ...lan, driftPpm: 0 }, 6);
  const clock = makeClock({ isSounding: () => true });
  clock.addBurst(path.burst(1e6), 2e6);
  for (const index of [1, 2, 3]) {
    const burst = path
      .burst(index * 10e6)
      .map((each) => ({ ...each, t2: each.t2 + 15_000, t3: each.t3 + 15_000 }));
    clock.addBurst(burst, index * 10e6 + 1e6);
  }
  expect(clock.reading(31e6).uncertaintyUs).toBeGreaterThan(15_000);
  expect(clock.reading(31e6).offsetUs).toBeCloseTo(-15_000, -3);
  // 15 ms by 150 ppm.
  expect(clock.reading(31e6 + 100e6).offsetUs).toBeCloseTo(0, -3);
  expect(clock.reading(31e6 + 100e6).uncertaintyUs).toBeLessThan(5_000);
});

test('while nothing sounds, it is set to what the exchanges say', () => {
  const path = new SimulatedPath(lan, 7);
  const clock = makeClock();
  clock.addBurst(path.burst(1e6), 2e6);
  for (const index of [1, 2, 3]) {
    const burst = path.burst(index * 10e6).map((each) => ({ ...each, t2: each.t2 + 5e6, t3: each.t3 + 5e6 }));
    clock.addBurst(burst, index * 10e6 + 1e6);
  }
  const nowUs = 32e6;
  expect(Math.abs((clock.toMediaTime(nowUs) ?? 0) - path.truthUs(nowUs) - 5e6)).toBeLessThan(2_000);
});

test('the crystal of the receiver is followed to a millisecond', () => {
  const path = new SimulatedPath({ ...lan, driftPpm: 60 }, 8);
  const clock = makeClock({ isSounding: () => true });
  for (let index = 0; index < 40; index += 1) clock.addBurst(path.burst(index * 30e6), index * 30e6 + 1e6);
  const nowUs = 40 * 30e6;
  expect(Math.abs((clock.toMediaTime(nowUs) ?? 0) - path.truthUs(nowUs))).toBeLessThan(1_000);
});

test('media time never goes back past what was kept: older replies are not believed', () => {
  const path = new SimulatedPath(lan, 9);
  const floor = mediaTime(Math.round(path.truthUs(100e6)));
  const clock = makeClock({ kept: { floor, wallMs: 0, uncertaintyUs: 0, driftPpm: null } });
  expect(clock.addBurst(path.burst(50e6), 51e6)).toBe(false);
  expect(clock.toMediaTime(51e6)).toBeNull();
  expect(clock.addBurst(path.burst(101e6), 102e6)).toBe(true);
});

test('a platform that was an hour ahead and is set right is believed again after that hour', () => {
  const path = new SimulatedPath(lan, 11);
  const clock = makeClock();
  const errorUs = (atUs: number): number => Math.abs((clock.toMediaTime(atUs) ?? 0) - path.truthUs(atUs));
  const live = (minutes: number, fromMinute: number, aheadUs: number): void => {
    for (let minute = fromMinute; minute < fromMinute + minutes; minute += 1) {
      const burst = path.burst(minute * 60e6);
      const told = burst.map((each) => ({ ...each, t2: each.t2 + aheadUs, t3: each.t3 + aheadUs }));
      clock.addBurst(told, minute * 60e6 + 1e6);
      clock.keep(minute * 60e6 + 2e6, 0);
    }
  };
  live(10, 1, 3_600e6);
  expect(errorUs(11 * 60e6)).toBeGreaterThan(3_000e6);
  live(80, 11, 0);
  expect(errorUs(91 * 60e6)).toBeLessThan(1_000);
});

test('a power cut long after the last exchange costs nothing of what the battery-backed clock tells', () => {
  const path = new SimulatedPath({ ...lan, driftPpm: 0 }, 12);
  const clock = makeClock();
  clock.addBurst(path.burst(1e6), 2e6);
  const nowUs = 600e6;
  const kept = clock.keep(nowUs, 1_790_000_000_000);
  if (kept === null) throw new Error('the time is not kept');
  const restarted = makeClock({ kept });
  restarted.startFromRtc(kept, rtcAt(1_790_000_060_000));
  const told = restarted.toMediaTime(1e6) ?? 0;
  expect(Math.abs(told - path.truthUs(nowUs + 60e6))).toBeLessThan(5_000);
  expect(restarted.reading(1e6).state).toBe('hour-known');
});

const WALL_MS = 1_790_000_000_000;
const HOUR_MS = 3_600_000;
const wellKept: KeptTime = {
  floor: mediaTime(WALL_MS * 1000),
  wallMs: WALL_MS,
  uncertaintyUs: 2_000,
  driftPpm: 3,
};

function afterPowerCut(elapsedMs: number, kept = wellKept): DeviceClock {
  const clock = makeClock({ kept });
  clock.startFromRtc(kept, rtcAt(WALL_MS + elapsedMs));
  return clock;
}

test('after a power cut a battery-backed clock of which nothing was learnt gives the hour for half a day', () => {
  const hour = afterPowerCut(HOUR_MS);
  expect(hour.reading(1e6)).toEqual({
    state: 'hour-known',
    offsetUs: null,
    uncertaintyUs: 156_000,
    ageMs: null,
  });
  expect(hour.toMediaTime(1e6)).toBe((WALL_MS + HOUR_MS) * 1000 + 2_000);
  expect(afterPowerCut(13 * HOUR_MS).reading(1e6).state).toBe('hour-known');
  expect(afterPowerCut(15 * HOUR_MS).toMediaTime(1e6)).toBeNull();
  expect(hour.keep(1e6, 0)).toBeNull();
});

test('one whose drift was learnt over a week gives it for five days, with the drift taken out', () => {
  const kept = { ...wellKept, rtc: { driftPpm: 30, learntS: 7 * 86_400, since: null } };
  const day = 24 * HOUR_MS;
  const counted = day * (1 + 30e-6);
  const clock = afterPowerCut(counted, kept);
  const offUs = (clock.toMediaTime(1e6) ?? 0) - ((WALL_MS + day) * 1000 + 2_000);
  expect(Math.abs(offUs)).toBeLessThan(100);
  expect(clock.reading(1e6).uncertaintyUs).toBeLessThan(350_000);
  expect(afterPowerCut(5 * day, kept).reading(1e6).state).toBe('hour-known');
  expect(afterPowerCut(7 * day, kept).reading(1e6).state).toBe('none');
});

test.each([
  ['a dead battery', 946_684_800_000 - WALL_MS],
  ['one second before what was kept', -1_000],
  ['more than a year ahead', 400 * 24 * HOUR_MS],
])('%s is told, and gives no hour', (_, elapsedMs) => {
  const clock = afterPowerCut(elapsedMs);
  expect(clock.reading(1e6)).toEqual({ state: 'none', offsetUs: null, uncertaintyUs: null, ageMs: null });
  expect(clock.isRtcWrong).toBe(true);
});

test('a clock that was read a little before what was kept may only have been read a little wrong', () => {
  const clock = afterPowerCut(-10);
  expect([clock.isRtcWrong, clock.reading(1e6).state]).toEqual([false, 'hour-known']);
});

test('where there was no battery-backed clock, one that is there now says nothing, and is not blamed', () => {
  const clock = afterPowerCut(HOUR_MS, { ...wellKept, wallMs: 0 });
  expect([clock.isRtcWrong, clock.toMediaTime(1e6)]).toEqual([false, null]);
});

test.each([
  ['7 hours ahead, as if somebody had set it to local time', 7 * 3_600e6, true],
  ['a tenth of a second off', 100_000, false],
])('a battery-backed clock %s is known as such once the platform tells the time', (_, offUs, isWrong) => {
  const path = new SimulatedPath(lan, 20);
  const wallMs = (path.truthUs(1e6) + offUs) / 1000;
  const kept = {
    ...wellKept,
    floor: mediaTime(Math.round(path.truthUs(0) - 3_600e6)),
    wallMs: path.truthUs(0) / 1000 - HOUR_MS,
  };
  const clock = makeClock({ kept });
  clock.startFromRtc(kept, rtcAt(wallMs));
  expect(clock.reading(1e6).state).toBe('hour-known');
  clock.addBurst(path.burst(2e6), 3e6);
  expect([clock.isRtcWrong, clock.reading(3e6).state]).toEqual([isWrong, 'in-step']);
});

test('the first exchange after the battery-backed clock sets it', () => {
  const path = new SimulatedPath(lan, 10);
  const wallMs = Math.round(path.truthUs(0) / 1000) - 900;
  const kept = { floor: mediaTime(wallMs * 1000), wallMs, uncertaintyUs: 0, driftPpm: null };
  const clock = makeClock({ kept });
  clock.startFromRtc(kept, { ...rtcAt(wallMs), atUs: 0 });
  clock.addBurst(path.burst(1e6), 2e6);
  expect(Math.abs((clock.toMediaTime(2e6) ?? 0) - path.truthUs(2e6))).toBeLessThan(1_000);
  expect(clock.reading(2e6).state).toBe('in-step');
});

test('a platform whose clock was moved by 0.3 s never tears the sound that plays', () => {
  const path = new SimulatedPath({ ...lan, driftPpm: 60 }, 11);
  const clock = makeClock({ isSounding: () => true });
  const steering = new Steering();
  let restarts = 0;
  for (let second = 0; second < 3_600; second += 1) {
    const nowUs = second * 1e6;
    if (second % 30 === 0) {
      const jumpUs = second < 600 ? 0 : 300_000;
      const burst = path
        .burst(nowUs)
        .map((each) => ({ ...each, t2: each.t2 + jumpUs, t3: each.t3 + jumpUs }));
      clock.addBurst(burst, nowUs);
    }
    const at = clock.toMediaTime(nowUs);
    if (at !== null && steering.advance(at, 48_000, () => 1).isRestart) restarts += 1;
  }
  expect(restarts).toBe(0);
  // Neither is the difference forgotten: it is worked off as fast as nobody hears.
  const leftUs = path.truthUs(3_600e6) + 300_000 - (clock.toMediaTime(3_600e6) ?? 0);
  expect(leftUs).toBeLessThan(1_000);
});

function soundingClock(): { clock: DeviceClock; sound: () => void } {
  let isSounding = false;
  const clock = makeClock({ isSounding: () => isSounding });
  return { clock, sound: () => (isSounding = true) };
}

const movedBy =
  (us: number) =>
  (each: ClockSample): ClockSample => ({ ...each, t2: each.t2 + us, t3: each.t3 + us });

test('one that was moved by more than half a second is followed at once: nobody waits for an hour', () => {
  const path = new SimulatedPath(lan, 21);
  const { clock, sound } = soundingClock();
  clock.addBurst(path.burst(1e6), 2e6);
  sound();
  for (const index of [1, 2, 3]) {
    clock.addBurst(path.burst(index * 30e6).map(movedBy(800_000)), index * 30e6 + 1e6);
  }
  const nowUs = 92e6;
  expect(Math.abs((clock.toMediaTime(nowUs) ?? 0) - path.truthUs(nowUs) - 800_000)).toBeLessThan(1_000);
});

test.each([
  { offUs: 3_000, bursts: 1, does: 'is set: no seam' },
  { offUs: 12_000, bursts: 1, does: 'slews' },
  { offUs: 40_000, bursts: 1, does: 'is set' },
  { offUs: 3_000, bursts: 6, does: 'slews' },
])(
  '$bursts bursts that were off by $offUs us: while something sounds it $does',
  ({ offUs, bursts, does }) => {
    // The replies of the first bursts were held up, so that they err by half of that.
    const path = new SimulatedPath({ ...lan, driftPpm: 0 }, 22);
    const { clock, sound } = soundingClock();
    for (let index = 1; index <= bursts; index += 1) {
      const atUs = index * 1e6;
      const late = path.burst(atUs).map((each) => ({ ...each, t4: each.t4 + 2 * offUs }));
      clock.addBurst(late, atUs + 0.5e6);
    }
    sound();
    const errorUs = (atUs: number): number => Math.abs((clock.toMediaTime(atUs) ?? 0) - path.truthUs(atUs));
    const thenUs = bursts * 1e6;
    expect(errorUs(thenUs + 2e6)).toBeGreaterThan(offUs * 0.9);
    clock.addBurst(path.burst(thenUs + 3e6), thenUs + 4e6);
    if (does === 'slews') expect(errorUs(thenUs + 4e6)).toBeGreaterThan(offUs * 0.9);
    else expect(errorUs(thenUs + 4e6)).toBeLessThan(1_000);
    expect(errorUs(thenUs + 104e6)).toBeLessThan(1_000);
  },
);

test('a receiver that plays by its battery-backed clock is put right at once when it is told', () => {
  const path = new SimulatedPath(lan, 23);
  const { clock, sound } = soundingClock();
  const kept = { ...wellKept, floor: mediaTime(Math.round(path.truthUs(0) - 60e6)) };
  clock.startFromRtc(kept, rtcAt(WALL_MS + 60_990));
  sound();
  clock.addBurst(path.burst(3e6), 4e6);
  expect(Math.abs((clock.toMediaTime(4e6) ?? 0) - path.truthUs(4e6))).toBeLessThan(1_000);
  expect(clock.reading(4e6).state).toBe('in-step');
});

test('after a sleep media time is carried on, known to a second only, until the platform tells it', () => {
  const path = new SimulatedPath(lan, 24);
  const clock = makeClock();
  for (const index of [1, 2, 3]) clock.addBurst(path.burst(index * 10e6), index * 10e6 + 1e6);
  const sleptUs = 600e6;
  clock.slept(sleptUs, 40e6);
  expect(Math.abs((clock.toMediaTime(40e6) ?? 0) - path.truthUs(40e6) - sleptUs)).toBeLessThan(1_000);
  const { state, uncertaintyUs } = clock.reading(40e6);
  expect(state).toBe('hour-known');
  expect(uncertaintyUs).toBeGreaterThan(1_000_000);
  expect([clock.told(40e6), clock.keep(40e6, 0)]).toEqual([null, null]);
  // The board had counted the sleep 0.4 s too short.
  clock.addBurst(path.burst(41e6).map(movedBy(sleptUs + 400_000)), 42e6);
  expect(clock.reading(42e6).state).toBe('in-step');
  const offUs = (clock.toMediaTime(42e6) ?? 0) - path.truthUs(42e6) - sleptUs - 400_000;
  expect(Math.abs(offUs)).toBeLessThan(1_000);
});

test('a sleep longer than anybody can count leaves it without the hour; one before the first exchange changes nothing', () => {
  const path = new SimulatedPath(lan, 25);
  const clock = makeClock();
  clock.slept(5e6, 1e6);
  expect(clock.reading(1e6).state).toBe('none');
  clock.addBurst(path.burst(1e6), 2e6);
  clock.slept(6 * 3_600e6, 3e6);
  expect(clock.reading(3e6).state).toBe('none');
  expect(clock.toMediaTime(3e6)).toBeNull();
});

test('a reply that waited through a sleep is not believed', () => {
  const path = new SimulatedPath(lan, 26);
  const clock = makeClock();
  clock.addBurst(path.burst(1e6), 2e6);
  const asked = path.burst(3e6);
  clock.slept(60e6, 4e6);
  expect(clock.addBurst(asked, 4e6)).toBe(false);
  expect(clock.reading(4e6).state).toBe('hour-known');
});
