import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BrokerRole } from '@loalang/shared';
import type { Incoming } from '../listeners/listener.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { packetBytes, readRates, type BrokerLimits } from './bounds.ts';
import { PacketMeter } from './packet-meter.ts';
import { addressKey, Places, type Place } from './places.ts';
import { gateReads, type Ruling } from './read-gate.ts';

export interface ConnectionsParts {
  readonly limits: BrokerLimits;
  readonly metrics: Metrics;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number;
  /** Takes over a connection that was admitted. */
  readonly handle: (stream: Duplex) => void;
}

/** Of a TCP connection, from its first byte to its last. */
interface Seat {
  readonly address: string;
  readonly place: Place;
}

interface Connection extends Seat {
  readonly meter: PacketMeter;
}

/** How often it is looked what waits for all connections together. */
const RELIEVE_EVERY_MS = 1_000;
/** Whoever has sent too much is read again no sooner than this: a timer for each packet would cost more than the packet. */
const MIN_PAUSE_MS = 20;

/** All connections, of whatever listener: who gets a place, what may be read from each, what may wait for all. */
export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #places: Places;
  readonly #rates: ReturnType<typeof readRates>;
  readonly #seats = new Map<Socket, Seat>();
  /** Those that are MQTT already. */
  readonly #connections = new Map<Duplex, Connection>();
  #relief: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    this.#places = new Places(parts.limits, parts.nowMs);
    this.#rates = readRates(parts.limits);
  }

  get total(): number {
    return this.#places.total;
  }

  /** What connections were given and the kernel has not taken. */
  get unsentBytes(): number {
    let bytes = 0;
    for (const stream of this.#connections.keys()) bytes += stream.writableLength;
    return bytes;
  }

  start(): void {
    this.#relief = setInterval(() => this.#relieve(), RELIEVE_EVERY_MS);
  }

  /** From now on nobody gets a place. */
  turnAway(): void {
    this.#isClosed = true;
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.turnAway();
    if (this.#relief !== null) clearInterval(this.#relief);
    await Promise.all([...this.#connections.keys(), ...this.#seats.keys()].map(cut));
  }

  /** Gives a connection a place before anything is spent on it; false where there is none. */
  admit(socket: Socket, address: string): boolean {
    const isGone = this.#isClosed || socket.destroyed;
    const place = isGone ? null : this.#places.take(address, () => this.#displace(socket));
    if (place === null || typeof place === 'string') {
      if (place !== null) this.#parts.metrics.limitHit(place);
      return false;
    }
    this.#seats.set(socket, { address: addressKey(address), place });
    socket.once('close', () => {
      this.#seats.delete(socket);
      place.leave();
    });
    return true;
  }

  /** Takes in a connection that has a place, and whose handshakes are done. */
  enter({ stream, socket }: Incoming): void {
    const seat = this.#seats.get(socket);
    if (seat === undefined || this.#isClosed) {
      stream.on('error', () => stream.destroy());
      stream.destroy();
      return;
    }
    const meter = new PacketMeter(this.#parts.nowMs);
    this.#connections.set(stream, { ...seat, meter });
    stream.once('close', () => this.#connections.delete(stream));
    gateReads(stream, (bytes) => this.#rule(stream, meter, bytes));
    this.#parts.handle(stream);
  }

  /** Where a connection comes from, as limits count it; '' where it is gone. */
  addressOf(stream: Duplex): string {
    return this.#connections.get(stream)?.address ?? '';
  }

  /** Its CONNECT has come. */
  spoken(stream: Duplex): void {
    this.#connections.get(stream)?.place.spoken();
  }

  /** Somebody has signed in on it, and may send more. */
  admitted(stream: Duplex, role: BrokerRole): void {
    const allowance = { messageBytes: packetBytes[role], ...this.#rates[role] };
    this.#connections.get(stream)?.meter.allow(allowance);
  }

  #rule(stream: Duplex, meter: PacketMeter, bytes: Uint8Array): Ruling {
    const { metrics } = this.#parts;
    const before = meter.packetCount;
    const measured = meter.take(bytes);
    if (measured.objection !== null) {
      metrics.limitHit(measured.objection);
      return { objection: new Error(`packet refused: ${measured.objection}`) };
    }
    const { takenBytes } = measured;
    metrics.received(meter.packetCount - before, takenBytes);
    if (takenBytes === bytes.byteLength) return { objection: null, takenBytes, waitMs: 0 };
    metrics.limitHit('read-rate');
    return { objection: null, takenBytes, waitMs: Math.max(MIN_PAUSE_MS, meter.waitMs) };
  }

  #displace(stream: Duplex): void {
    this.#parts.metrics.limitHit('displaced');
    stream.destroy();
  }

  /** One receiver may have a large plan waiting, but not all of them at once: those with the most go first. */
  #relieve(): void {
    const { limits, metrics } = this.#parts;
    let excess = this.unsentBytes - limits.unsentBytes;
    if (excess <= 0) return;
    const slowest = [...this.#connections.keys()].toSorted((a, b) => b.writableLength - a.writableLength);
    for (const stream of slowest) {
      if (excess <= 0) return;
      excess -= stream.writableLength;
      metrics.limitHit('unsent');
      stream.destroy(new Error('too much waits for all connections together'));
    }
  }
}

async function cut(stream: Duplex): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.once('close', resolve).destroy();
  });
}
