import { isIPv6 } from 'node:net';
import type { BrokerLimits } from './bounds.ts';
import { BucketTable, rateOf, TokenBucket } from './token-bucket.ts';

export type PlaceRefusal = 'broker-full' | 'address-full' | 'broker-rate' | 'address-rate';

/** What one connection takes up. */
export interface Place {
  /** Its CONNECT has come: it is not among the silent any more. */
  spoken(): void;
  /** The connection is gone. */
  leave(): void;
}

interface Address {
  count: number;
  /** In the order of their coming. */
  readonly silent: Set<Taken>;
}

/** A real one speaks within this, also over a bad mobile network. Until then only the rates bound how many are silent. */
const GRACE_MS = 1_000;

/**
 * Who may connect at all, before anybody has said a word: so many in all and of one address, so many new ones a second.
 * Whoever is in stays in, but for those who have not sent a CONNECT: where there are too many of them, of one address or
 * in all, the oldest gives way to the newest, so that who sits there silent keeps nobody out.
 */
export class Places {
  readonly #limits: BrokerLimits;
  readonly #nowMs: () => number;
  readonly #addresses = new Map<string, Address>();
  readonly #silent = new Set<Taken>();
  readonly #newOnes: TokenBucket;
  readonly #newOfAddress: BucketTable;
  #total = 0;

  constructor(limits: BrokerLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#newOnes = new TokenBucket(rateOf(limits.newPerSecond), nowMs());
    this.#newOfAddress = new BucketTable(rateOf(limits.newPerSecondPerAddress));
  }

  get total(): number {
    return this.#total;
  }

  /** `giveWay` is called if another one gets this place while it is silent. */
  take(address: string, giveWay: () => void): Place | PlaceRefusal {
    const key = addressKey(address);
    const refusal = this.#objectionTo(key);
    if (refusal !== null) return refusal;
    const entry = this.#addresses.get(key) ?? { count: 0, silent: new Set() };
    this.#addresses.set(key, entry);
    this.#makeRoom(key, entry);
    const place: Taken = new Taken(this.#nowMs(), giveWay, [entry.silent, this.#silent], () =>
      this.#left(key, entry),
    );
    entry.count += 1;
    this.#total += 1;
    return place;
  }

  #objectionTo(key: string): PlaceRefusal | null {
    const now = this.#nowMs();
    // First, so that one address can't use up what is for all.
    if (key !== LOOPBACK && !this.#newOfAddress.of(key, now).take(now)) return 'address-rate';
    if (!this.#newOnes.take(now)) return 'broker-rate';
    if (this.#total >= this.#limits.connections) return 'broker-full';
    const count = this.#addresses.get(key)?.count ?? 0;
    return count >= this.#limitOf(key) ? 'address-full' : null;
  }

  #makeRoom(key: string, { silent }: Address): void {
    const { signingIn, signingInPerAddress } = this.#limits;
    const now = this.#nowMs();
    if (key !== LOOPBACK && silent.size >= signingInPerAddress) giveWayFirst(silent, now);
    else if (this.#silent.size >= signingIn) giveWayFirst(this.#silent, now);
  }

  #left(key: string, entry: Address): void {
    entry.count -= 1;
    this.#total -= 1;
    if (entry.count === 0) this.#addresses.delete(key);
  }

  #limitOf(key: string): number {
    return key === LOOPBACK ? this.#limits.connectionsFromLoopback : this.#limits.connectionsPerAddress;
  }
}

class Taken implements Place {
  readonly sinceMs: number;
  readonly #giveWay: () => void;
  readonly #silent: readonly Set<Taken>[];
  readonly #onLeft: () => void;
  #isGone = false;

  /** `silent`: the lists in which it stands until it has spoken. */
  constructor(sinceMs: number, giveWay: () => void, silent: readonly Set<Taken>[], onLeft: () => void) {
    this.sinceMs = sinceMs;
    this.#giveWay = giveWay;
    this.#silent = silent;
    this.#onLeft = onLeft;
    for (const list of silent) list.add(this);
  }

  spoken(): void {
    for (const list of this.#silent) list.delete(this);
  }

  leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.spoken();
    this.#onLeft();
  }

  giveWay(): void {
    this.spoken();
    this.#giveWay();
  }
}

function giveWayFirst(places: ReadonlySet<Taken>, nowMs: number): void {
  const oldest = places.values().next();
  if (oldest.done !== true && oldest.value.sinceMs + GRACE_MS <= nowMs) oldest.value.giveWay();
}

const LOOPBACK = 'loopback';
const IPV4_IN_IPV6 = '::ffff:';

/** What counts as one address: an IPv4 address, the /64 network of an IPv6 one (one customer), this machine. */
export function addressKey(address: string): string {
  const plain = address.startsWith(IPV4_IN_IPV6) ? address.slice(IPV4_IN_IPV6.length) : address;
  if (isLoopback(plain)) return LOOPBACK;
  return isIPv6(plain) ? networkOf(plain) : plain;
}

/** Is this an address of this machine alone? */
export function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || address.startsWith('127.');
}

function networkOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
