import type { Clock } from '@loalang/scheduler';

/** What slows guessing: after `free` attempts without success each further one must wait, twice as long each time. */
interface Allowance {
  readonly free: number;
}

/**
 * The account alone gets a wide allowance: a stranger who guesses must not be able to keep its owner out, who comes from
 * an address of their own.
 */
const allowances = {
  'account-at-address': { free: 5 },
  address: { free: 20 },
  account: { free: 100 },
} as const satisfies Record<string, Allowance>;
type Track = keyof typeof allowances;

const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** Attempts are forgotten after this long without another. */
const MEMORY_MS = 60 * 60_000;
/** At so many tracks the least recently used is forgotten: memory is bounded, and guessing from 20,000 addresses is not stopped here. */
const MAX_TRACKS = 20_000;

interface Attempts {
  count: number;
  lastAt: number;
}

/**
 * Slows down guessing of passwords by account and address. An attempt counts when it begins, so that many at once
 * don't slip through, and success takes it back.
 */
export class SignInBrake {
  readonly #clock: Clock;
  readonly #tracks = new Map<string, Attempts>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts an attempt. Returns 0, or the seconds to wait where it may not be made yet (then it does not count). */
  begin(username: string, address: string): number {
    const nowMs = this.#nowMs();
    const keys = keysOf(username, address);
    const waitMs = Math.max(...keys.map(([track, key]) => this.#waitMs(track, key, nowMs)));
    if (waitMs > 0) return Math.ceil(waitMs / 1000);
    for (const [, key] of keys) this.#count(key, nowMs);
    return 0;
  }

  /** The attempt succeeded: the account starts afresh at this address. */
  succeed(username: string, address: string): void {
    for (const [track, key] of keysOf(username, address)) {
      const attempts = this.#tracks.get(key);
      if (track === 'account-at-address') this.#tracks.delete(key);
      else if (attempts !== undefined) attempts.count -= 1;
    }
  }

  #waitMs(track: Track, key: string, nowMs: number): number {
    const attempts = this.#tracks.get(key);
    if (attempts === undefined || nowMs - attempts.lastAt > MEMORY_MS) return 0;
    const excess = attempts.count - allowances[track].free;
    if (excess < 0) return 0;
    const pauseMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(excess, 10));
    return attempts.lastAt + pauseMs - nowMs;
  }

  #count(key: string, nowMs: number): void {
    const known = this.#tracks.get(key);
    const isFresh = known !== undefined && nowMs - known.lastAt <= MEMORY_MS;
    // Deleted and set again, so that the map's order is by last use.
    this.#tracks.delete(key);
    this.#tracks.set(key, { count: (isFresh ? known.count : 0) + 1, lastAt: nowMs });
    const oldest = this.#tracks.keys().next();
    if (this.#tracks.size > MAX_TRACKS && oldest.done !== true) this.#tracks.delete(oldest.value);
  }

  #nowMs(): number {
    return this.#clock.now() / 1000;
  }
}

function keysOf(username: string, address: string): [Track, string][] {
  const account = username.trim().toLowerCase();
  const network = networkOf(address);
  return [
    ['account-at-address', `both ${network} ${account}`],
    ['address', `address ${network}`],
    ['account', `account ${account}`],
  ];
}

/** One household or attacker holds a whole IPv6 /64 (RFC 6177), so that counts as one address. */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const tailGroups = tail === undefined || tail === '' ? 0 : tail.split(':').length;
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - tailGroups);
  return [...groups, ...Array.from({ length: zeros }, () => '0')].slice(0, 4).join(':');
}
