import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { Steering } from '../playout/steering.ts';
import { SimulatedPath, type Path } from '../testing/simulated-path.ts';
import { DeviceClock, type KeptTime } from './device-clock.ts';

const lan: Path = { upUs: 500, downUs: 500, jitterUs: 100, driftPpm: 20 };

function makeClock(options: { kept?: KeptTime; isSounding?: () => boolean } = {}): DeviceClock {
  return new DeviceClock({ kept: options.kept ?? null, isSounding: options.isSounding ?? (() => false) });
}

test('before the first exchange it knows no hour', () => {
  const clock = makeClock();
  expect(clock.toMediaTime(5e6)).toBeNull();
  expect(clock.reading(5e6)).toEqual({ state: 'none', uncertaintyUs: null, ageMs: null });
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

test('while something sounds it is slewed by 150 ppm at most, however far it is off', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1_500_000, max: 1_500_000 }),
      fc.integer({ min: 1, max: 1e6 }),
      (jumpUs, seed) => {
        const path = new SimulatedPath({ ...lan, driftPpm: 0 }, seed);
        let isSounding = false;
        const clock = makeClock({ isSounding: () => isSounding });
        clock.addBurst(path.burst(1e6), 2e6);
        isSounding = true;
        let last = { atUs: 2e6, media: clock.toMediaTime(2e6) ?? 0 };
        for (let index = 1; index <= 12; index += 1) {
          const atUs = 2e6 + index * 30e6;
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
  restarted.startFromRtc(kept, 1_790_000_060_000, 1e6);
  const told = restarted.toMediaTime(1e6) ?? 0;
  expect(Math.abs(told - path.truthUs(nowUs + 60e6))).toBeLessThan(5_000);
  expect(restarted.reading(1e6).state).toBe('hour-known');
});

test('after a power cut the battery-backed clock gives the hour, for about a day', () => {
  const wallMs = 1_790_000_000_000;
  const kept = { floor: mediaTime(wallMs * 1000), wallMs, uncertaintyUs: 2_000, driftPpm: 3 };
  const after = (elapsedMs: number): DeviceClock => {
    const clock = makeClock({ kept });
    clock.startFromRtc(kept, wallMs + elapsedMs, 1e6);
    return clock;
  };
  const hour = after(3_600_000);
  expect(hour.reading(1e6)).toEqual({ state: 'hour-known', uncertaintyUs: 74_000, ageMs: null });
  expect(hour.toMediaTime(1e6)).toBe((wallMs + 3_600_000) * 1000 + 2_000);
  expect(after(40 * 3_600_000).toMediaTime(1e6)).toBeNull();
  expect(after(-1_000).toMediaTime(1e6)).toBeNull();
  expect(hour.keep(1e6, 0)).toBeNull();
});

test('the first exchange after the battery-backed clock sets it', () => {
  const path = new SimulatedPath(lan, 10);
  const wallMs = Math.round(path.truthUs(0) / 1000) - 900;
  const kept = { floor: mediaTime(wallMs * 1000), wallMs, uncertaintyUs: 0, driftPpm: null };
  const clock = makeClock({ kept });
  clock.startFromRtc(kept, wallMs, 0);
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
