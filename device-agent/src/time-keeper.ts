import type { MediaTime } from '@loalang/shared';
import {
  DeviceClock,
  RtcKeeper,
  SleepWatch,
  type ClockSample,
  type KeptTime,
  type MediaLine,
  type RtcReading,
  type Timer,
} from './clock/index.ts';
import type { FullOptions } from './options.ts';

/** How often it is looked at whether the clock says something else: what it says ages without anything happening. */
const LOOK_AT_CLOCK_EVERY_MS = 1_000;

export interface TimeKeeperOptions {
  readonly options: FullOptions;
  /** What was known when the power went. */
  readonly kept: KeptTime | null;
  readonly isSounding: () => boolean;
  /** Media time goes another way from now on; null: nobody knows it. */
  readonly onLine: (line: MediaLine | null) => void;
  /** Something worth keeping was learnt. */
  readonly onLearnt: () => void;
  /** The board has slept; media time is only carried on until the platform tells it. */
  readonly onSlept: () => void;
  readonly onChange: () => void;
}

/** Brings together what a receiver knows the time by: the exchanges, the battery-backed clock, and how long it slept. */
export class TimeKeeper {
  readonly clock: DeviceClock;
  readonly #parts: TimeKeeperOptions;
  readonly #rtc: RtcKeeper | null;
  readonly #sleep: SleepWatch;
  #timer: Timer | null = null;
  #toldLine: MediaLine | null = null;
  #isTelling = true;
  #isRtcDumb = false;

  constructor(parts: TimeKeeperOptions) {
    const { kept, isSounding, options } = parts;
    this.#parts = parts;
    this.clock = new DeviceClock({ kept, isSounding });
    this.#rtc = this.#makeRtcKeeper();
    const { clock, bootUs } = options;
    this.#sleep = new SleepWatch({ clock, bootUs, onSlept: (sleptUs) => this.#takeSleep(sleptUs) });
  }

  /** The battery-backed clock is dead, stands still, or was wrong at the start. */
  get hasRtcFailed(): boolean {
    return this.#isRtcDumb || this.clock.isRtcWrong;
  }

  mediaNow(): MediaTime | null {
    return this.clock.toMediaTime(this.#nowUs);
  }

  /** False where nothing of it can be believed. */
  takeBurst(samples: readonly ClockSample[]): boolean {
    this.#sleep.look();
    return this.#follow(this.clock.addBurst(samples, this.#nowUs));
  }

  /** False where it can't be believed. */
  takeSignedTime(sample: ClockSample): boolean {
    this.#sleep.look();
    return this.#follow(this.clock.addSignedTime(sample, this.#nowUs));
  }

  start(): void {
    this.#look();
    this.#rtc?.start();
    this.#sleep.start();
  }

  /** Tells no line any more: what played by it is closed. */
  stopTelling(): void {
    this.#isTelling = false;
    this.#timer?.cancel();
  }

  async close(): Promise<void> {
    this.stopTelling();
    this.#sleep.close();
    await this.#rtc?.close();
  }

  /** What to keep on disk; null while nobody has told the time since the start. */
  keep(): KeptTime | null {
    const media = this.mediaNow();
    const wallMs = media === null ? null : (this.#rtc?.atMs(this.#nowUs, media) ?? null);
    return this.clock.keep(this.#nowUs, wallMs, this.#rtc?.drift);
  }

  get #nowUs(): number {
    return this.#parts.options.clock.nowUs();
  }

  #follow(isTaken: boolean): boolean {
    this.#tell();
    if (isTaken) this.#rtc?.look();
    return isTaken;
  }

  #takeSleep(sleptUs: number): void {
    this.#parts.options.log.warn({ sleptMs: Math.round(sleptUs / 1000) }, 'the board has slept');
    this.clock.slept(sleptUs, this.#nowUs);
    this.#tell();
    this.#rtc?.slept();
    this.#parts.onSlept();
    this.#parts.onChange();
  }

  #makeRtcKeeper(): RtcKeeper | null {
    const { options, kept, onLearnt } = this.#parts;
    const { board, clock, log } = options;
    if (board.rtc === null) return null;
    return new RtcKeeper({
      rtc: board.rtc,
      clock,
      known: kept?.rtc ?? null,
      told: (monotonicUs) => this.clock.told(monotonicUs),
      onFirst: (reading) => this.#startFromRtc(reading),
      onLearnt,
      onRefused: (error) => log.warn({ err: error }, 'the battery-backed clock could not be set'),
    });
  }

  #startFromRtc(reading: RtcReading | null): void {
    const { kept, options, onChange } = this.#parts;
    this.#isRtcDumb = reading === null;
    if (reading !== null && kept !== null) this.clock.startFromRtc(kept, reading);
    this.#tell();
    if (this.hasRtcFailed) options.log.error('the battery-backed clock is not to be believed');
    onChange();
  }

  #look(): void {
    this.#tell();
    this.#timer = this.#parts.options.clock.after(LOOK_AT_CLOCK_EVERY_MS, () => this.#look());
  }

  #tell(): void {
    const line = this.clock.line(this.#nowUs);
    if (!this.#isTelling || line === this.#toldLine) return;
    this.#toldLine = line;
    this.#parts.onLine(line);
  }
}
