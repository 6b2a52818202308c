import type { MonotonicClock, Rtc } from '@loalang/device-agent';
import { drawBetween, seededRandom } from '../random.ts';

/** 2000-01-01: where the registers of a chip begin that has lost its battery. */
export const RTC_EPOCH_MS = 946_684_800_000;
/** A tuning fork of 32 kHz: 20 ppm off as bought; by the warmth of the day up to 5 ppm either way. */
const FACTORY_PPM = 20;
const DAILY_PPM = 5;
const DAY_MS = 86_400_000;

export interface VirtualRtcOptions {
  readonly seed: string;
  readonly clock: MonotonicClock;
  /** What a right clock would say now, milliseconds since 1970. */
  readonly trueMs: number;
  /** How far it was moved by whoever set it before; a board from the factory is right. */
  readonly movedMs?: number;
  readonly onMoved?: (movedMs: number) => void;
}

/**
 * A battery-backed clock with whole seconds and a crystal of its own, which runs whether the board is on or off. How wrong it
 * is depends on the moment and the seed alone, and on how it was set.
 */
export class VirtualRtc implements Rtc {
  readonly stepMs = 1000;
  /** Parts per million that it runs fast, on the mean of a day. */
  readonly driftPpm: number;
  isBatteryDead = false;
  readonly #options: VirtualRtcOptions;
  readonly #beganUs: number;
  readonly #dailyPpm: number;
  readonly #noon: number;
  #movedMs: number;
  #isOn = true;

  constructor(options: VirtualRtcOptions) {
    const random = seededRandom(`rtc ${options.seed}`);
    this.#options = options;
    this.#beganUs = options.clock.nowUs();
    this.driftPpm = drawBetween(random, -FACTORY_PPM, FACTORY_PPM);
    this.#dailyPpm = drawBetween(random, DAILY_PPM / 2, DAILY_PPM);
    this.#noon = random.next();
    this.#movedMs = options.movedMs ?? -this.#driftMs(options.trueMs);
  }

  /** How far it has been moved until now. */
  get movedMs(): number {
    return this.#movedMs;
  }

  readMs(): number {
    // A microsecond, which doubles of this size lose, must not take away a second.
    return Math.floor((this.#countMs() + 0.001) / 1000) * 1000;
  }

  setMs(unixMs: number): Promise<void> {
    this.#move(Math.round(unixMs / 1000) * 1000);
    return Promise.resolve();
  }

  /** The board loses its power. */
  switchOff(): void {
    this.#isOn = false;
  }

  /** Power is back: without a battery it begins at its epoch. */
  switchOn(): void {
    if (!this.#isOn && this.isBatteryDead) this.#move(RTC_EPOCH_MS);
    this.#isOn = true;
  }

  #trueMs(): number {
    return this.#options.trueMs + (this.#options.clock.nowUs() - this.#beganUs) / 1000;
  }

  #countMs(): number {
    const trueMs = this.#trueMs();
    return trueMs + this.#driftMs(trueMs) + this.#movedMs;
  }

  // The integral of a constant and of a sine over the day.
  #driftMs(trueMs: number): number {
    const turn = 2 * Math.PI;
    const warmMs = (-this.#dailyPpm * DAY_MS * Math.cos(turn * (trueMs / DAY_MS - this.#noon))) / turn;
    return (this.driftPpm * trueMs + warmMs) / 1e6;
  }

  #move(toMs: number): void {
    this.#movedMs += toMs - this.#countMs();
    this.#options.onMoved?.(this.#movedMs);
  }
}
