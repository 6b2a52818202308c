import { makeNonce } from '@loalang/shared/signing';
import type { ClockRequest, ClockResponse } from '@loalang/shared';
import type { ClockSample } from './clock-filter.ts';
import type { MonotonicClock, Timer } from './monotonic.ts';

/** How many exchanges a burst has: the one with the lowest round trip is believed. */
export const BURST_EXCHANGES = 8;
/** Apart enough that one held-up segment does not delay them all. */
const EXCHANGE_GAP_MS = 30;
/** Longer round trips are thrown away; the burst ends. */
const REPLY_WITHIN_MS = 2_000;
/**
 * The first answer of a burst must come so soon, else the rest is not asked: answers are 0.8 kB each, a burst as much as a
 * second of a live stream, and on a link that holds them up for so long they say nothing and take the stream's place.
 */
const FIRST_WITHIN_MS = 1_000;
/** Then the link is left alone for so long, by who has converged. */
const CONGESTED_MS = 10_000;
/** After a start: so many bursts close together give a first line. */
const CONVERGING_BURSTS = 6;
const CONVERGING_MS = 2_000;
/** After a new connection: so many, since the clock ran on alone for a while. */
const RECONNECTED_BURSTS = 2;
/**
 * A receiver that knows its line waits up to so long after a new connection: where a broker comes back, all its receivers do
 * within seconds, and a line is not worse for being ten seconds older. A young one asks at once.
 */
const RECONNECT_SPREAD_MS = 10_000;
/**
 * Then each pause is so much longer than the one before. A line that is twice as old bears twice the pause: a new point
 * far from all others would turn it by its own error.
 */
const GROWTH = 1.125;
/** While something plays or is about to. */
const BUSY_MS = 30_000;
const IDLE_MS = 300_000;
/** Pauses are longer or shorter by so much, so that a village coming back from a power cut does not ask in chorus. */
const SPREAD = 0.2;

export interface ClockExchangeOptions {
  readonly clock: MonotonicClock;
  readonly random: () => number;
  /** Sends one request; false where there is no link. */
  readonly send: (request: ClockRequest) => boolean;
  /** A burst is over; it may be empty. */
  readonly onBurst: (samples: readonly ClockSample[]) => void;
  /** Does something play, or start within minutes? */
  readonly isBusy: () => boolean;
}

export type ReplyVerdict = 'taken' | 'replayed' | 'malformed';

/** Asks the platform for the time in bursts: often while converging, less when busy, seldom when idle. */
export class ClockExchange {
  readonly #options: ClockExchangeOptions;
  readonly #asked = new Map<string, number>();
  #samples: ClockSample[] = [];
  #sent = 0;
  #isCongested = false;
  /** Answered bursts since the agent began, and since the link came up. */
  #bursts = 0;
  #burstsOfLink = 0;
  #timer: Timer | null = null;

  constructor(options: ClockExchangeOptions) {
    this.#options = options;
  }

  /** The link is up: begin with a burst, soon where a line is known already, else at once. */
  start(): void {
    this.stop();
    this.#burstsOfLink = 0;
    if (this.#bursts < CONVERGING_BURSTS) this.#beginBurst();
    else this.#later(RECONNECT_SPREAD_MS * this.#options.random(), () => this.#beginBurst());
  }

  /** What was learnt counts no more (the board has slept): while the link is up, begin anew at once. */
  startAnew(): void {
    const isLinkUp = this.#timer !== null;
    this.#bursts = 0;
    if (isLinkUp) this.start();
  }

  /** The link is down, or the agent closes: what was asked is forgotten. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#asked.clear();
    this.#samples = [];
  }

  /** Takes a verified reply. Each nonce counts once; t4 is when its bytes came in. */
  take(reply: ClockResponse, t4: number): ReplyVerdict {
    const t1 = this.#asked.get(reply.nonce);
    if (t1 === undefined) return 'replayed';
    this.#asked.delete(reply.nonce);
    if (reply.t1 !== t1 || reply.t3 < reply.t2) return 'malformed';
    this.#samples.push({ t1, t2: reply.t2, t3: reply.t3, t4 });
    if (this.#sent === 1) this.#ask();
    else if (this.#sent === BURST_EXCHANGES && this.#asked.size === 0) this.#endBurst();
    return 'taken';
  }

  #beginBurst(): void {
    this.#asked.clear();
    this.#samples = [];
    this.#sent = 0;
    this.#ask();
  }

  #ask(): void {
    const request = { nonce: makeNonce(), t1: this.#options.clock.nowUs() };
    if (this.#options.send(request)) this.#asked.set(request.nonce, request.t1);
    this.#sent += 1;
    if (this.#sent === 1) this.#later(this.#firstWithinMs(), () => this.#endBurst());
    else if (this.#sent < BURST_EXCHANGES) this.#later(EXCHANGE_GAP_MS, () => this.#ask());
    else this.#later(REPLY_WITHIN_MS, () => this.#endBurst());
  }

  /** Who knows nothing yet takes what comes. */
  #firstWithinMs(): number {
    return this.#bursts === 0 ? REPLY_WITHIN_MS : FIRST_WITHIN_MS;
  }

  #endBurst(): void {
    this.#asked.clear();
    const samples = this.#samples;
    this.#samples = [];
    this.#isCongested = samples.length === 0 && this.#bursts >= CONVERGING_BURSTS;
    if (samples.length > 0) {
      this.#bursts += 1;
      this.#burstsOfLink += 1;
    }
    this.#rest(this.#pauseMs());
    this.#options.onBurst(samples);
  }

  /** A pause between bursts. One of minutes ends early where something is about to play meanwhile. */
  #rest(ms: number): void {
    if (ms <= (1 + SPREAD) * BUSY_MS) this.#later(ms, () => this.#beginBurst());
    else {
      const rest = (): void => (this.#options.isBusy() ? this.#beginBurst() : this.#rest(ms - BUSY_MS));
      this.#later(BUSY_MS, rest);
    }
  }

  #pauseMs(): number {
    if (this.#isCongested) return CONGESTED_MS * this.#spread();
    if (this.#burstsOfLink < RECONNECTED_BURSTS) return CONVERGING_MS;
    const usualMs = this.#options.isBusy() ? BUSY_MS : IDLE_MS;
    const grown = this.#bursts - CONVERGING_BURSTS + 1;
    if (grown <= 0) return CONVERGING_MS;
    return Math.min(usualMs, CONVERGING_MS * GROWTH ** grown) * this.#spread();
  }

  #spread(): number {
    return 1 + SPREAD * (2 * this.#options.random() - 1);
  }

  #later(ms: number, fn: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, fn);
  }
}
