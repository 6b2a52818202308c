import { expect, test } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { SimulatedPath, type Path } from '../testing/simulated-path.ts';
import type { ClockSample } from './clock-filter.ts';
import { DeviceClock, type KeptTime } from './device-clock.ts';

// The signed time (HTTP, a single answer) and the bursts (MQTT, eight answers) come by two ways to one clock.

const lan: Path = { upUs: 500, downUs: 500, jitterUs: 100, driftPpm: 20 };
const lte: Path = { upUs: 25_000, downUs: 25_000, jitterUs: 9_000, driftPpm: 20 };
const DAY_US = 86_400e6;
const NO_SAMPLE = { t1: 0, t2: 0, t3: 0, t4: 0 };

function makeClock(kept: KeptTime | null = null): DeviceClock {
  return new DeviceClock({ kept, isSounding: () => false });
}

/** One answer at a moment, with what the platform's clock and the ways add. */
function answerAt(path: SimulatedPath, atUs: number, wrong: Partial<ClockSample> = {}): ClockSample {
  const [answer = NO_SAMPLE] = path.burst(atUs);
  const { t1, t2, t3, t4 } = answer;
  return {
    t1: t1 + (wrong.t1 ?? 0),
    t2: t2 + (wrong.t2 ?? 0),
    t3: t3 + (wrong.t3 ?? 0),
    t4: t4 + (wrong.t4 ?? 0),
  };
}

test('a single answer, which came another way, bends no line of the bursts', () => {
  const path = new SimulatedPath({ ...lan, driftPpm: 0 }, 22);
  const clock = makeClock();
  const [answer] = path.burst(1e6).map((each) => ({ ...each, t2: each.t2 + 400, t3: each.t3 + 400 }));
  if (answer === undefined) throw new Error('no answer');
  clock.addSignedTime(answer, 2e6);
  for (let index = 1; index <= 8; index += 1) {
    const atUs = 2e6 + index * 2e6;
    const slower = path.burst(atUs).map((each) => ({ ...each, t1: each.t1 - 20_000, t4: each.t4 + 20_000 }));
    clock.addBurst(slower, atUs + 1e6);
  }
  expect(Math.abs((clock.toMediaTime(20e6) ?? 0) - path.truthUs(20e6))).toBeLessThan(200);
});

test('a later signed time that agrees changes nothing, one that does not counts like a burst that does not', () => {
  const path = new SimulatedPath({ ...lan, driftPpm: 0 }, 22);
  const clock = makeClock();
  for (const index of [1, 2, 3]) clock.addBurst(path.burst(index * 10e6), index * 10e6 + 1e6);
  const before = clock.toMediaTime(60e6);
  const later = (atUs: number, movedUs: number) =>
    path.burst(atUs).map((each) => ({ ...each, t2: each.t2 + movedUs, t3: each.t3 + movedUs }))[0] ??
    NO_SAMPLE;
  expect(clock.addSignedTime(later(40e6, 400), 41e6)).toBe(true);
  expect(clock.toMediaTime(60e6)).toBe(before);
  const moved = [42, 44, 46].map((second) =>
    clock.addSignedTime(later(second * 1e6, 3e6), second * 1e6 + 1e6),
  );
  expect(moved).toEqual([false, false, true]);
  expect((clock.toMediaTime(60e6) ?? 0) - (before ?? 0)).toBeCloseTo(3e6, -3);
});

test('what a single answer said is put right at once by the first burst', () => {
  const path = new SimulatedPath({ ...lan, driftPpm: 0 }, 22);
  let isSounding = false;
  const clock = new DeviceClock({ kept: null, isSounding: () => isSounding });
  const [answer] = path.burst(1e6).map((each) => ({ ...each, t4: each.t4 + 24_000 }));
  if (answer === undefined) throw new Error('no answer');
  clock.addSignedTime(answer, 2e6);
  isSounding = true;
  clock.addBurst(path.burst(4e6), 5e6);
  expect(Math.abs((clock.toMediaTime(5e6) ?? 0) - path.truthUs(5e6))).toBeLessThan(1_000);
});

test('a receiver that was cut off for days, and knows the hour no more, gets it from the signed time', () => {
  const path = new SimulatedPath(lan, 31);
  const clock = makeClock();
  for (const index of [1, 2, 3]) clock.addBurst(path.burst(index * 10e6), index * 10e6 + 1e6);
  const backUs = 30 * DAY_US;
  expect(clock.reading(backUs).state).toBe('none');
  expect(clock.addSignedTime(answerAt(path, backUs), backUs + 1e6)).toBe(true);
  expect(Math.abs((clock.toMediaTime(backUs + 1e6) ?? 0) - path.truthUs(backUs + 1e6))).toBeLessThan(1_000);
  clock.addBurst(path.burst(backUs + 2e6), backUs + 3e6);
  expect(clock.reading(backUs + 3e6).state).toBe('in-step');
});

test('a first burst that was held up takes nothing away from a better signed time', () => {
  const path = new SimulatedPath(lte, 32);
  const clock = makeClock();
  clock.addSignedTime(answerAt(path, 1e6), 2e6);
  const before = clock.reading(5e6);
  const heldUp = path.burst(3e6).map((each) => ({ ...each, t4: each.t4 + 1.5e6 }));
  clock.addBurst(heldUp, 5e6);
  expect(clock.reading(5e6)).toEqual(before);
  clock.addBurst(path.burst(6e6), 7e6);
  expect(Math.abs((clock.toMediaTime(7e6) ?? 0) - path.truthUs(7e6))).toBeLessThan(20_000);
});

test('bursts that are always slower than the signed time are followed from the third on', () => {
  const slow = new SimulatedPath({ ...lte, upUs: 300_000, downUs: 300_000 }, 33);
  const clock = makeClock();
  clock.addSignedTime(answerAt(new SimulatedPath(lan, 34), 1e6), 2e6);
  const states = [1, 2, 3].map((index) => {
    clock.addBurst(slow.burst((1 + 2 * index) * 1e6), (2 + 2 * index) * 1e6);
    return clock.reading(9e6).state;
  });
  expect(states).toEqual(['in-step', 'in-step', 'hour-known']);
});

test('a drift of which a single answer says nothing is not kept, and what was known before is', () => {
  const path = new SimulatedPath({ ...lan, driftPpm: 40 }, 35);
  const fresh = makeClock();
  fresh.addSignedTime(answerAt(path, 1e6), 2e6);
  expect(fresh.keep(60e6, null)?.driftPpm).toBeNull();
  const known = makeClock({ floor: mediaTime(0), wallMs: 0, uncertaintyUs: 0, driftPpm: 39 });
  known.addSignedTime(answerAt(path, 1e6), 2e6);
  expect(known.keep(60e6, null)?.driftPpm).toBeCloseTo(39, 0);
  for (let index = 1; index <= 20; index += 1) fresh.addBurst(path.burst(index * 10e6), index * 10e6 + 1e6);
  expect(fresh.keep(220e6, null)?.driftPpm).toBeCloseTo(40, 0);
});
