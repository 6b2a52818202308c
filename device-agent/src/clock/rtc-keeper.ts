// The receiver's dealings with its battery-backed clock: starts from it, learns its drift, and sets it right.
import { mediaTime, type MediaTime } from '@loalang/shared';
import type { MonotonicClock, Timer } from './monotonic.ts';
import { learnRtc, UNKNOWN_RTC, type RtcDrift } from './rtc-drift.ts';
import { readRtc, type Rtc, type RtcReading } from './rtc.ts';

/** It is compared so often: the drift is a matter of hours. */
const LOOK_EVERY_MS = 600_000;
/**
 * Off by more, it is set, which is exact to a second: only a clock that was near the hour shows by its epoch, after a power
 * cut, that its battery is dead.
 */
const SET_ABOVE_MS = 2_000;
/** Media time must be known better than this to judge the battery-backed clock by it. */
const WELL_KNOWN_US = 50_000;

export interface RtcKeeperOptions {
  readonly rtc: Rtc;
  readonly clock: MonotonicClock;
  readonly known: RtcDrift | null;
  /** Media time at a monotonic moment, as the platform told it (not this clock), and its uncertainty; null before. */
  readonly told: (monotonicUs: number) => { media: MediaTime; uncertaintyUs: number } | null;
  /** First reading after the start; null: it can't be read or stands still. */
  readonly onFirst: (reading: RtcReading | null) => void;
  /** Something of it is worth keeping. */
  readonly onLearnt: () => void;
  /** It could not be set; told once. */
  readonly onRefused: (error: unknown) => void;
}

/** Owns one timer and at most one reading at a time. */
export class RtcKeeper {
  readonly #options: RtcKeeperOptions;
  readonly #ended = new AbortController();
  #drift: RtcDrift;
  #last: RtcReading | null = null;
  #timer: Timer | null = null;
  #work: Promise<void> | null = null;
  #isRefused = false;
  #hasJudged = false;

  constructor(options: RtcKeeperOptions) {
    this.#options = options;
    this.#drift = options.known ?? UNKNOWN_RTC;
  }

  /** What has been learnt, to be kept on disk. */
  get drift(): RtcDrift {
    return this.#drift;
  }

  /** What it counts at a moment, as far as its last reading tells; null where that wouldn't be worth starting from. */
  atMs(monotonicUs: number, media: MediaTime): number | null {
    const last = this.#last;
    if (last === null) return null;
    const rtcMs = last.rtcMs + (monotonicUs - last.atUs) / 1000;
    // Far from media time it could not be set, and after a power cut a dead battery would not be noticed.
    return Math.abs(rtcMs - media / 1000) > 2 * SET_ABOVE_MS ? null : rtcMs;
  }

  /** Reads it for the first time. */
  start(): void {
    this.#work ??= this.#first();
  }

  /** The platform has told the time: look whether it agrees, unless that is known already. */
  look(): void {
    if (!this.#hasJudged) this.#look();
  }

  /** The board has slept: what it counts now can't be told from its last reading. */
  slept(): void {
    this.#last = null;
    this.#hasJudged = false;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.#timer?.cancel();
    await this.#work;
  }

  #look(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#ended.signal.aborted || this.#work !== null) return;
    this.#work = this.#compare();
  }

  async #first(): Promise<void> {
    const reading = await this.#read();
    this.#work = null;
    if (this.#ended.signal.aborted) return;
    this.#options.onFirst(reading);
    this.look();
  }

  async #compare(): Promise<void> {
    const reading = await this.#read();
    if (reading !== null) await this.#judge(reading);
    this.#work = null;
    if (!this.#ended.signal.aborted)
      this.#timer = this.#options.clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  async #judge(reading: RtcReading): Promise<void> {
    const told = this.#options.told(reading.atUs);
    if (told === null || told.uncertaintyUs > WELL_KNOWN_US) return;
    this.#hasJudged = true;
    if (Math.abs(reading.rtcMs - told.media / 1000) > SET_ABOVE_MS) {
      await this.#set();
      return;
    }
    const media = mediaTime(Math.round(told.media));
    this.#drift = learnRtc(this.#drift, { media, rtcMs: reading.rtcMs });
    this.#options.onLearnt();
  }

  async #set(): Promise<void> {
    const { rtc, clock, told } = this.#options;
    const now = told(clock.nowUs());
    if (now === null) return;
    try {
      await rtc.setMs(now.media / 1000);
    } catch (error) {
      if (!this.#isRefused) this.#options.onRefused(error);
      this.#isRefused = true;
      return;
    }
    this.#isRefused = false;
    // Its drift is still what it was; the stretch of learning begins anew, with a reading of what it counts now.
    this.#drift = { ...this.#drift, since: null };
    const reading = await this.#read();
    const after = reading === null ? null : told(reading.atUs);
    if (reading === null || after === null) return;
    this.#drift = learnRtc(this.#drift, { media: after.media, rtcMs: reading.rtcMs });
    this.#options.onLearnt();
  }

  async #read(): Promise<RtcReading | null> {
    this.#last = await readRtc(this.#options.rtc, this.#options.clock, this.#ended.signal);
    return this.#last;
  }
}
