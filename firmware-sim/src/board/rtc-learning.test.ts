// The receiver's dealings with its battery-backed clock, over weeks of virtual time.
import { mediaTime } from '@loalang/shared';
import { DeviceClock, RtcKeeper, type KeptTime, type RtcDrift, type RtcReading } from '@loalang/device-agent';
import { expect, test } from 'vitest';
import { VirtualTime } from '../twin/virtual-time.ts';
import { VirtualRtc } from './rtc.ts';

const TRUE_MS = 1_790_000_000_000;
const HOUR_US = 3_600e6;
const DAY_US = 24 * HOUR_US;

class Rig {
  readonly time = new VirtualTime();
  readonly rtc: VirtualRtc;
  first: RtcReading | null | undefined;
  isTold = true;
  #keeper: RtcKeeper;

  constructor(seed: string) {
    this.rtc = new VirtualRtc({ seed, clock: this.clock, trueMs: TRUE_MS });
    this.#keeper = this.#start(null);
  }

  get clock(): ConstructorParameters<typeof RtcKeeper>[0]['clock'] {
    const { time } = this;
    return { nowUs: () => time.nowUs, after: (ms, fn) => time.at(time.nowUs + ms * 1000, fn) };
  }

  get drift(): RtcDrift {
    return this.#keeper.drift;
  }

  trueUs(atUs = this.time.nowUs): number {
    return TRUE_MS * 1000 + atUs;
  }

  /** Lets time pass; where a reading is under way, look by look. */
  async pass(us: number): Promise<void> {
    const endUs = this.time.nowUs + us;
    while (this.time.nowUs < endUs) {
      const beforeMs = this.rtc.readMs();
      this.time.runUntil(Math.min(endUs, this.time.nowUs + 600e6));
      // A reading takes up to a second of looks, 10 ms apart.
      for (let look = 0; look < 110; look += 1) {
        for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
        this.time.runUntil(this.time.nowUs + 10_000);
      }
      expect(this.rtc.readMs()).toBeGreaterThan(beforeMs);
    }
  }

  /** What is kept when the power goes now. */
  cut(): KeptTime {
    const media = mediaTime(Math.round(this.trueUs()));
    const wallMs = this.#keeper.atMs(this.time.nowUs, media) ?? 0;
    void this.#keeper.close();
    return { floor: media, wallMs, uncertaintyUs: 0, driftPpm: 0, rtc: this.drift };
  }

  async restart(kept: KeptTime): Promise<DeviceClock> {
    this.isTold = false;
    this.#keeper = this.#start(kept.rtc ?? null);
    await this.pass(1.2e6);
    const clock = new DeviceClock({ kept, isSounding: () => false });
    if (this.first !== null && this.first !== undefined) clock.startFromRtc(kept, this.first);
    return clock;
  }

  #start(known: RtcDrift | null): RtcKeeper {
    const keeper = new RtcKeeper({
      rtc: this.rtc,
      clock: this.clock,
      known,
      told: (atUs) => {
        const media = mediaTime(Math.round(this.trueUs(atUs)));
        return this.isTold ? { media, uncertaintyUs: 5_000 } : null;
      },
      onFirst: (reading) => (this.first = reading),
      onLearnt: () => undefined,
      onRefused: () => undefined,
    });
    keeper.start();
    return keeper;
  }
}

test.each(['a', 'b', 'c'])('in a week it learns the drift to 2 ppm (%s)', async (seed) => {
  const rig = new Rig(seed);
  await rig.pass(7 * DAY_US);
  expect(Math.abs(rig.drift.driftPpm - rig.rtc.driftPpm)).toBeLessThan(2);
  // Each time that it is set, some hours of learning are lost.
  expect(rig.drift.learntS).toBeGreaterThan(5 * 86_400);
});

test.each([
  ['d', 0.1, 1],
  ['e', 1, 12],
  ['f', 7, 72],
])(
  'after a power cut it knows the time within what it says (%s, learnt %d days, off %d h)',
  async (seed, days, offHours) => {
    const rig = new Rig(seed);
    await rig.pass(days * DAY_US);
    const kept = rig.cut();
    rig.time.runUntil(rig.time.nowUs + offHours * HOUR_US);
    const clock = await rig.restart(kept);
    const { state, uncertaintyUs } = clock.reading(rig.time.nowUs);
    const errorUs = (clock.toMediaTime(rig.time.nowUs) ?? 0) - rig.trueUs();
    expect(state).toBe('hour-known');
    expect(Math.abs(errorUs)).toBeLessThan(uncertaintyUs ?? 0);
  },
);

test('a clock that is hours off is set, and learnt of afterwards', async () => {
  const rig = new Rig('g');
  await rig.rtc.setMs(TRUE_MS - 5 * 3_600_000);
  await rig.pass(HOUR_US);
  expect(Math.abs(rig.rtc.readMs() - rig.trueUs() / 1000)).toBeLessThan(2_000);
  await rig.pass(3 * DAY_US);
  expect(Math.abs(rig.drift.driftPpm - rig.rtc.driftPpm)).toBeLessThan(2.5);
});

test('what it counted while the power was off is learnt from too', async () => {
  const rig = new Rig('h');
  await rig.pass(0.5 * HOUR_US);
  const kept = rig.cut();
  rig.time.runUntil(rig.time.nowUs + 2 * DAY_US);
  await rig.restart(kept);
  rig.isTold = true;
  await rig.pass(HOUR_US);
  expect(Math.abs(rig.drift.driftPpm - rig.rtc.driftPpm)).toBeLessThan(1);
});
