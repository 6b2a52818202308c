import type { MonotonicClock } from '@loalang/device-agent';
import { Link } from './link.ts';
import type { NetworkProfile } from './profile.ts';
import { TcpShaper } from './tcp-shaper.ts';

/** What a network does besides being slow. `stalled`: nothing comes through; `refused`: everything is reset. */
export type Outage = 'none' | 'stalled' | 'refused';

/** Protocols that survive another host and port; a certificate would not. */
const defaultPorts: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'http:': 80, 'ws:': 80 };

/** The way of one receiver to the world: one link, with a shaper in front of each address that it talks to. */
export class VirtualNetwork {
  readonly #link: Link;
  readonly #shapers = new Map<string, TcpShaper>();

  constructor(options: { profile: NetworkProfile; seed: string; clock: MonotonicClock }) {
    this.#link = new Link(options);
  }

  /** Puts the link in front of an address and gives the one to use instead. Throws where the protocol forbids that. */
  async route(url: string): Promise<string> {
    const routed = new URL(url);
    const defaultPort = defaultPorts[routed.protocol];
    if (defaultPort === undefined) throw new TypeError(`${routed.protocol} can't be sent through a shaper`);
    const port = routed.port === '' ? defaultPort : Number(routed.port);
    const key = `${routed.hostname}:${port}`;
    let shaper = this.#shapers.get(key);
    if (shaper === undefined) {
      shaper = new TcpShaper({ target: { host: routed.hostname, port }, link: this.#link });
      await shaper.start();
      this.#shapers.set(key, shaper);
    }
    routed.hostname = '127.0.0.1';
    routed.port = String(shaper.port);
    return url.endsWith('/') ? routed.href : routed.href.replace(/\/$/, '');
  }

  setProfile(profile: NetworkProfile): void {
    this.#link.setProfile(profile);
  }

  setOutage(outage: Outage): void {
    for (const shaper of this.#shapers.values()) shaper.setRefusing(outage === 'refused');
    if (outage === 'stalled') this.#link.stall();
    else this.#link.resume();
  }

  /** Resets all connections once. */
  reset(): void {
    for (const shaper of this.#shapers.values()) shaper.reset();
  }

  /** The connections of now go silent for good without a word to either end. */
  halfOpen(): void {
    for (const shaper of this.#shapers.values()) shaper.halfOpen();
  }

  /** The receiver's power is cut: it is gone for those who talk with it, and they are not told. Until `restore`. */
  cut(): void {
    for (const shaper of this.#shapers.values()) shaper.cut();
  }

  restore(): void {
    for (const shaper of this.#shapers.values()) shaper.restore();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#shapers.values()].map(async (shaper) => shaper.close()));
    this.#shapers.clear();
  }
}
