import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import { PacketQueue, type Dropped, type Frame } from './packet-queue.ts';

/** What may wait for one subscriber: four streams at the longest latency (10 s) come to 180 KiB at 24 kb/s. */
export const QUEUE_BYTES = 512 * 1024;

/** Counts what became of packets. */
export interface FanoutTally {
  delivered(packets: number, bytes: number): void;
  dropped(clientId: string, dropped: Dropped): void;
}

/** The part of an Aedes client that the fan-out touches. */
export interface StreamClient {
  readonly id: string;
  readonly conn: Duplex;
}

/**
 * Writes stream packets to one connection: directly while it takes them, else through a queue that its 'drain' empties.
 * Each packet is one `write`, and Aedes writes each of its own within one call, so the two never mix within a packet.
 *
 * Only what is still queued here can be dropped. What the kernel has accepted goes out, however late: its send buffer
 * can hide seconds to minutes of audio before a connection counts as slow.
 */
export class Subscriber {
  readonly #client: StreamClient;
  readonly #clock: Clock;
  readonly #tally: FanoutTally;
  readonly #queue = new PacketQueue(QUEUE_BYTES);
  readonly #onDrain = (): void => this.#flush();

  constructor(client: StreamClient, clock: Clock, tally: FanoutTally) {
    this.#client = client;
    this.#clock = clock;
    this.#tally = tally;
    client.conn.on('drain', this.#onDrain);
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Sends, or queues where the connection is behind. Never waits. */
  send(frame: Frame): void {
    const { conn } = this.#client;
    if (this.#queue.isEmpty && !conn.writableNeedDrain) {
      this.#write(frame);
      return;
    }
    this.#note(this.#queue.push(frame, this.#clock.now()));
  }

  close(): void {
    this.#client.conn.off('drain', this.#onDrain);
    this.#queue.clear();
  }

  #flush(): void {
    const now = this.#clock.now();
    const { conn } = this.#client;
    while (!this.#queue.isEmpty && !conn.writableNeedDrain && conn.writable) {
      const { frame, expired } = this.#queue.take(now);
      this.#note({ expired, overflow: 0 });
      if (frame !== null) this.#write(frame);
    }
  }

  #write(frame: Frame): void {
    const { conn } = this.#client;
    if (!conn.writable) return;
    conn.write(frame.bytes);
    this.#tally.delivered(1, frame.bytes.byteLength);
  }

  #note(dropped: Dropped): void {
    if (dropped.expired + dropped.overflow > 0) this.#tally.dropped(this.#client.id, dropped);
  }
}
