import { isIPv6 } from 'node:net';
import type { BrokerLimits } from './bounds.ts';

export type Admission = 'admitted' | 'address-full' | 'broker-full';

/** Counts connections by address and in all. Full means refused: whoever is in stays in. */
export class ConnectionCount {
  readonly #limits: BrokerLimits;
  readonly #byAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: BrokerLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** Takes a connection in, unless there is no room; whoever is admitted must be released once. */
  admit(address: string): Admission {
    if (this.#total >= this.#limits.connections) return 'broker-full';
    const key = addressKey(address);
    const count = this.#byAddress.get(key) ?? 0;
    if (count >= this.#limitOf(key)) return 'address-full';
    this.#byAddress.set(key, count + 1);
    this.#total += 1;
    return 'admitted';
  }

  release(address: string): void {
    const key = addressKey(address);
    const count = this.#byAddress.get(key) ?? 0;
    if (count === 0) return;
    if (count === 1) this.#byAddress.delete(key);
    else this.#byAddress.set(key, count - 1);
    this.#total -= 1;
  }

  #limitOf(key: string): number {
    return key === LOOPBACK ? this.#limits.connectionsFromLoopback : this.#limits.connectionsPerAddress;
  }
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
