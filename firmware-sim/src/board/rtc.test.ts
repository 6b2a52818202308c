import { expect, test } from 'vitest';
import { VirtualTime } from '../twin/virtual-time.ts';
import { RTC_EPOCH_MS, VirtualRtc, type VirtualRtcOptions } from './rtc.ts';

const TRUE_MS = 1_790_000_000_250;
const DAY_US = 86_400e6;

function makeRtc(options: Partial<VirtualRtcOptions> = {}): { rtc: VirtualRtc; time: VirtualTime } {
  const time = new VirtualTime();
  const clock = { nowUs: () => time.nowUs, after: (ms: number, fn: () => void) => time.at(ms * 1000, fn) };
  return { rtc: new VirtualRtc({ seed: 'yen-the-1', clock, trueMs: TRUE_MS, ...options }), time };
}

test('it counts whole seconds', () => {
  const { rtc, time } = makeRtc();
  expect(rtc.readMs()).toBe(1_790_000_000_000);
  time.runUntil(760_000);
  expect(rtc.readMs()).toBe(1_790_000_001_000);
});

test('over days it is off by its drift, and by the warmth of the day within them', () => {
  const { rtc, time } = makeRtc();
  const errorsMs = [1, 2, 2.5].map((days) => {
    time.runUntil(days * DAY_US);
    return rtc.readMs() - TRUE_MS - days * 86_400_000;
  });
  expect(errorsMs[0]).toBeCloseTo(rtc.driftPpm * 86.4, -4);
  expect(Math.abs((errorsMs[1] ?? 0) - 2 * rtc.driftPpm * 86.4)).toBeLessThanOrEqual(1_000);
  expect(Math.abs(rtc.driftPpm)).toBeLessThanOrEqual(20);
  expect(makeRtc({ seed: 'yen-the-2' }).rtc.driftPpm).not.toBe(rtc.driftPpm);
});

test('it runs on while the board is off; with a dead battery it begins at its epoch', () => {
  const { rtc, time } = makeRtc();
  rtc.switchOff();
  time.runUntil(3_600e6);
  rtc.switchOn();
  expect(Math.abs(rtc.readMs() - TRUE_MS - 3_600_000)).toBeLessThan(1_500);
  rtc.isBatteryDead = true;
  rtc.switchOn();
  expect(rtc.readMs()).toBeGreaterThan(TRUE_MS);
  rtc.switchOff();
  rtc.switchOn();
  expect(rtc.readMs()).toBe(RTC_EPOCH_MS);
});

test('it is set to a whole second, and remembers that it was', async () => {
  let movedMs = 0;
  const { rtc, time } = makeRtc({ onMoved: (moved) => (movedMs = moved) });
  await rtc.setMs(1_700_000_000_400);
  expect(rtc.readMs()).toBe(1_700_000_000_000);
  time.runUntil(DAY_US);
  const again = makeRtc({ trueMs: TRUE_MS + 86_400_000, movedMs });
  expect(again.rtc.readMs()).toBe(rtc.readMs());
});
