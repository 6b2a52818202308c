import { Backoff } from '../link/backoff.ts';
import type { MonotonicClock, Timer } from '../clock/monotonic.ts';
import { within } from '../clock/within.ts';
import { openAlsaPcm } from './alsa-pcm.ts';
import { DeviceLine } from './device-line.ts';
import { PcmFeeder } from './pcm-feeder.ts';
import type { FeederCounts } from './pcm-feeder.ts';
import { PcmError } from './pcm.ts';
import type { OpenPcm, Pcm } from './pcm.ts';
import type { OnSinkHealth, Render, Sink } from './sink.ts';

export interface AlsaSinkOptions {
  /** ALSA's name of the card: `default`, `hw:1`, `pulse` … */
  readonly device: string;
  readonly clock: MonotonicClock;
  readonly random?: () => number;
  readonly openPcm?: OpenPcm;
  /** Whether the thread got real-time priority; asked once. Only a thread that does nothing else asks for it. */
  readonly raisePriority?: () => Promise<boolean>;
  /** How much faster than the monotonic clock this card was found to play before; null: not known. */
  readonly initialDriftPpm?: number | null;
}

export interface CardReport extends FeederCounts {
  /** How much faster than the monotonic clock the card plays. */
  readonly driftPpm: number;
  readonly moves: number;
}

/** 60 ms: what is decided is heard so much later, and a thread with real-time priority is never late by a part of it. */
const SHORT_BUFFER_FRAMES = 2_880;
/** 200 ms: what a busy process without priority needs in order not to fall silent, be it ours or a sound server. */
const LONG_BUFFER_FRAMES = 9_600;
/** Names by which ALSA opens the card itself. Behind any other a sound server may stand, which waits its turn. */
const CARD_ITSELF = /^(plug)?hw:/;
const FEED_EVERY_MS = 20;
// A card that is plugged in again is heard again soon; the look costs little.
const LOOK_AGAIN_FIRST_MS = 500;
const LOOK_AGAIN_MOST_MS = 10_000;
/** A sound server takes a while to come up; a driver that takes longer hangs, and whoever waits for sound must know. */
const OPEN_WITHIN_MS = 5_000;
/** A driver that does not come back from open or close is left behind. */
const CLOSE_WITHIN_MS = 2_000;

/**
 * Plays on a sound card through ALSA. A card that is busy, missing or pulled out is told of by `onHealth`, and looked for
 * again for as long as the sink is open.
 */
export class AlsaSink implements Sink {
  readonly kind = 'alsa';
  readonly #options: AlsaSinkOptions;
  readonly #openPcm: OpenPcm;
  readonly #backoff: Backoff;
  // Kept over underruns and unplugging: the drift is the card's.
  readonly #line: DeviceLine;
  #render: Render | null = null;
  #onHealth: OnSinkHealth = () => {};
  #timer: Timer | null = null;
  #pcm: Pcm | null = null;
  #feeder: PcmFeeder | null = null;
  #past: FeederCounts = { underruns: 0, suspends: 0 };
  #device: Promise<void> = Promise.resolve();
  #isRealTime: boolean | null = null;
  /** Why there is no card at the moment, as it was told last. */
  #failure: string | null = null;
  #isClosed = false;
  #closing: Promise<void> | null = null;

  constructor(options: AlsaSinkOptions) {
    this.#options = options;
    this.#line = new DeviceLine(options.initialDriftPpm);
    this.#openPcm = options.openPcm ?? openAlsaPcm;
    this.#backoff = new Backoff(LOOK_AGAIN_FIRST_MS, LOOK_AGAIN_MOST_MS, options.random ?? Math.random);
  }

  get isRealTime(): boolean | null {
    return this.#isRealTime;
  }

  get cardDriftPpm(): number | null {
    return this.#line.isDriftLearnt ? this.#line.driftPpm : null;
  }

  /** Begins to look for the card. Whether it is found is told by `onHealth`. */
  async start(render: Render, onHealth: OnSinkHealth = () => {}): Promise<void> {
    if (this.#render !== null || this.#isClosed) return;
    this.#render = render;
    this.#onHealth = onHealth;
    this.#isRealTime = (await this.#options.raisePriority?.()) ?? false;
    this.#look();
  }

  /** Gives the card back within two seconds, even where the driver hangs. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#release();
    await within(this.#options.clock, this.#device, CLOSE_WITHIN_MS);
  }

  /** What the card went through since the start, and how much faster than the monotonic clock it plays. */
  get report(): CardReport {
    const now = this.#feeder?.counts ?? { underruns: 0, suspends: 0 };
    return {
      underruns: this.#past.underruns + now.underruns,
      suspends: this.#past.suspends + now.suspends,
      driftPpm: this.#line.driftPpm,
      moves: this.#line.moves,
    };
  }

  // One step after the other: a card that is still being closed would be busy for us too.
  #look(): void {
    this.#timer = null;
    if (this.#isClosed) return;
    this.#device = this.#device.then(() => this.#open());
  }

  async #open(): Promise<void> {
    if (this.#isClosed || this.#render === null) return;
    try {
      const { device } = this.#options;
      const isNeverLate = this.#isRealTime === true && CARD_ITSELF.test(device);
      this.#timer = this.#options.clock.after(OPEN_WITHIN_MS, () => this.#tellHanging());
      const pcm = await this.#openPcm(device, isNeverLate ? SHORT_BUFFER_FRAMES : LONG_BUFFER_FRAMES);
      this.#timer?.cancel();
      this.#take(pcm, this.#render);
    } catch (error) {
      this.#timer?.cancel();
      this.#fail(error);
    }
  }

  // It may still open, and is waited for: a second try would hang beside the first.
  #tellHanging(): void {
    this.#timer = null;
    this.#tell(new PcmError('ETIMEDOUT', 'the card does not open'));
  }

  #take(pcm: Pcm, render: Render): void {
    this.#pcm = pcm;
    if (this.#isClosed) {
      this.#release();
      return;
    }
    this.#line.restart();
    this.#feeder = new PcmFeeder(pcm, this.#line, render);
    this.#feed();
  }

  #feed(): void {
    this.#timer = null;
    try {
      this.#feeder?.feed(this.#options.clock.nowUs());
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#feeder?.isHeard === true) {
      this.#tell(null);
      this.#backoff.reset();
    }
    this.#timer = this.#options.clock.after(FEED_EVERY_MS, () => this.#feed());
  }

  #fail(error: unknown): void {
    this.#release();
    if (this.#isClosed) return;
    this.#tell(error instanceof Error ? error : new Error(String(error)));
    this.#timer = this.#options.clock.after(this.#backoff.nextMs(), () => this.#look());
  }

  #tell(failure: Error | null): void {
    const message = failure?.message ?? null;
    if (message === this.#failure) return;
    this.#failure = message;
    this.#onHealth(failure);
  }

  #release(): void {
    const pcm = this.#pcm;
    if (this.#feeder !== null) this.#past = this.report;
    this.#feeder = null;
    this.#pcm = null;
    if (pcm !== null) this.#device = this.#device.then(() => pcm.close()).catch(() => {});
  }
}
