import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import { QUEUE_BYTES } from './bounds.ts';
import { PacketQueue, type Dropped, type Frame } from './packet-queue.ts';
import type { Writer } from './writer.ts';

/** Counts what became of packets. */
export interface FanoutTally {
  delivered(packets: number, bytes: number): void;
  dropped(clientId: string, dropped: Dropped): void;
  /** How long a packet that had to wait for one subscriber was in the broker. */
  waited(forMs: number): void;
  /** How long a packet was in the broker until the last subscriber that was not behind had it. */
  spread(forMs: number): void;
}

/** The part of an Aedes client that the fan-out touches. */
export interface StreamClient {
  readonly id: string;
  readonly conn: Duplex;
}

/** Who counts, and by which clock. */
export interface FanoutParts {
  readonly clock: Clock;
  readonly tally: FanoutTally;
}

/**
 * Writes stream packets to one connection, as long as Node holds nothing for it. Once it does, the kernel is full (or
 * Aedes has just written, or the stream is one that always takes a moment): the next packet goes to Node too, after what
 * it holds, and those after that wait here until Node is rid of it. So no more than two packets of ours are ever where
 * they can't be dropped any more, beside what the kernel has (`UNSENT_BYTES`).
 *
 * Each packet is one `write`, and Aedes writes each of its own within one call, so the two never mix within a packet.
 */
export class Subscriber {
  readonly #id: string;
  readonly #conn: Duplex;
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #tally: FanoutTally;
  readonly #queue = new PacketQueue(QUEUE_BYTES);
  #isWaiting = false;

  constructor(client: StreamClient, writer: Writer, { clock, tally }: FanoutParts) {
    this.#id = client.id;
    this.#conn = client.conn;
    this.#writer = writer;
    this.#clock = clock;
    this.#tally = tally;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Sends, or queues where the connection is behind. Never waits. */
  send(frame: Frame): void {
    if (this.#isWaiting) this.#note(this.#queue.push(frame, this.#clock.now()));
    else this.#write(frame);
  }

  close(): void {
    this.#queue.clear();
  }

  #write(frame: Frame): void {
    const conn = this.#conn;
    if (!conn.writable) return;
    if (conn.writableLength === 0) {
      this.#writer.write(conn, frame.bytes);
    } else {
      this.#isWaiting = true;
      conn.write(frame.bytes, this.#onTaken);
    }
    this.#tally.delivered(1, frame.bytes.byteLength);
  }

  /** Called by Node once all that it held is the kernel's, or the connection is gone. */
  readonly #onTaken = (): void => {
    this.#isWaiting = false;
    const now = this.#clock.now();
    while (!this.#queue.isEmpty && !this.#isWaiting && this.#conn.writable) {
      const { frame, expired } = this.#queue.take(now);
      this.#note({ expired, overflow: 0 });
      if (frame === null) return;
      this.#tally.waited((now - frame.arrivedAt) / 1000);
      this.#write(frame);
    }
  };

  #note(dropped: Dropped): void {
    if (dropped.expired + dropped.overflow > 0) this.#tally.dropped(this.#id, dropped);
  }
}
