import { addMs, type MediaTime } from '@loalang/shared';

/** Who types a code, and from which network address. */
export interface Guesser {
  readonly personId: string;
  readonly address: string;
}

export type GuessVerdict =
  | { readonly verdict: 'look' }
  | { readonly verdict: 'wait'; readonly seconds: number }
  | { readonly verdict: 'locked'; readonly until: MediaTime };

const WINDOW_MS = 15 * 60_000;
/** Wrong codes in a window. A person who mishears types a code three or four times. */
const MAX_OF_PERSON = 20;
/** A commune's office has one address for all its people. */
const MAX_OF_ADDRESS = 60;
const ALL_WINDOW_MS = 24 * 60 * 60_000;
/**
 * Codes have 8 digits, 27 bits: so many guesses hit one of 50 boards that wait with a chance of 1 in 2,000. One account takes
 * twelve hours to make them; whoever sees the alarm looks in the log for whose they were.
 */
const MAX_OF_ALL = 1_000;
const LOCK_MS = 60 * 60_000;
/** Of so many people and addresses; the one that was counted first is forgotten. */
const MAX_TALLIES = 10_000;

interface Tally {
  readonly since: MediaTime;
  count: number;
}

/**
 * Counts wrong codes: of a person, from an address, and in all. A guess counts when it begins, so that many at once don't
 * slip through; one that was no guess is taken back.
 */
export class GuessGuard {
  readonly #tallies = new Map<string, Tally>();
  #all: Tally | null = null;
  #lockedUntil: MediaTime | null = null;

  /** Until when nobody's codes are looked at; null where they are. */
  lockedUntil(now: MediaTime): MediaTime | null {
    return this.#lockedUntil !== null && this.#lockedUntil > now ? this.#lockedUntil : null;
  }

  /** May this code be looked at? */
  begin(guesser: Guesser, now: MediaTime): GuessVerdict {
    const until = this.lockedUntil(now);
    if (until !== null) return { verdict: 'locked', until };
    const seconds = Math.max(...limitsOf(guesser).map(([key, most]) => this.#waitS(key, most, now)));
    if (seconds > 0) return { verdict: 'wait', seconds };
    for (const [key] of limitsOf(guesser)) this.#tallyOf(key, now).count += 1;
    if (this.#all === null || hasEnded(this.#all, ALL_WINDOW_MS, now)) this.#all = { since: now, count: 0 };
    this.#all.count += 1;
    return { verdict: 'look' };
  }

  /** It was no guess: there is such a code. */
  takeBack(guesser: Guesser): void {
    for (const [key] of limitsOf(guesser)) {
      const tally = this.#tallies.get(key);
      if (tally !== undefined && tally.count > 0) tally.count -= 1;
    }
    if (this.#all !== null && this.#all.count > 0) this.#all.count -= 1;
  }

  /** The code was wrong. True where this one locks all out. */
  wrong(now: MediaTime): boolean {
    if (this.#all === null || this.#all.count < MAX_OF_ALL || this.lockedUntil(now) !== null) return false;
    this.#lockedUntil = addMs(now, LOCK_MS);
    this.#all = null;
    return true;
  }

  #waitS(key: string, most: number, now: MediaTime): number {
    const tally = this.#tallies.get(key);
    if (tally === undefined || tally.count < most || hasEnded(tally, WINDOW_MS, now)) return 0;
    return Math.ceil((addMs(tally.since, WINDOW_MS) - now) / 1e6);
  }

  #tallyOf(key: string, now: MediaTime): Tally {
    const known = this.#tallies.get(key);
    if (known !== undefined && !hasEnded(known, WINDOW_MS, now)) return known;
    const fresh = { since: now, count: 0 };
    this.#tallies.delete(key);
    this.#tallies.set(key, fresh);
    const oldest = this.#tallies.keys().next();
    if (this.#tallies.size > MAX_TALLIES && oldest.done !== true) this.#tallies.delete(oldest.value);
    return fresh;
  }
}

function hasEnded({ since }: Tally, windowMs: number, now: MediaTime): boolean {
  return addMs(since, windowMs) <= now;
}

function limitsOf({ personId, address }: Guesser): [key: string, most: number][] {
  return [
    [`person ${personId}`, MAX_OF_PERSON],
    [`address ${address}`, MAX_OF_ADDRESS],
  ];
}
