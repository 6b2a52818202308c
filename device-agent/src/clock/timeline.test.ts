import { expect, it } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { DeviceClock } from './device-clock.ts';
import { mediaTimeOn, type MediaLine } from './timeline.ts';

const MEDIA_US = 1_773_550_800_000_000;

it('is a line with a drift, and with a slew until that ends', () => {
  const line: MediaLine = { fromUs: 5e6, mediaUs: MEDIA_US, driftPpm: 20, slewPpm: -100, slewUntilUs: 7e6 };
  const at = [4e6, 5e6, 6e6, 7e6, 9e6].map((us) => (mediaTimeOn(line, us) ?? 0) - MEDIA_US);
  expect(at).toEqual([-999_920, 0, 999_920, 1_999_840, 3_999_880]);
  expect([mediaTimeOn(null, 5e6), mediaTimeOn({ ...line, mediaUs: 10 }, 1e6)]).toEqual([null, null]);
});

it('is what the clock itself follows, a new one at each change and none while the hour is not known', () => {
  const clock = new DeviceClock({ kept: null, isSounding: () => true });
  expect(clock.line(1e6)).toBeNull();
  const burst = (nowUs: number, offsetUs: number): void => {
    const t2 = mediaTime(MEDIA_US + nowUs + offsetUs);
    clock.addBurst([{ t1: nowUs - 20_000, t2: t2 - 10_000, t3: t2 - 10_000, t4: nowUs }], nowUs);
  };
  burst(1e6, 0);
  const first = clock.line(1e6);
  burst(3e6, 300);
  const second = clock.line(3e6);
  expect(first).not.toBeNull();
  expect(second).not.toBe(first);
  expect(clock.line(3.5e6)).toBe(second);
  for (const us of [3e6, 4e6, 60e6]) expect(mediaTimeOn(second, us)).toBe(clock.toMediaTime(us));
  // Two ppm of age: after twelve days nobody would bet on a second.
  expect(clock.line(3e6 + 12 * 86_400e6)).toBeNull();
});
