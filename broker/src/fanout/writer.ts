import type { Duplex } from 'node:stream';
import { descriptorOf, type Kernel } from './kernel.ts';

export const writerNames = ['send', 'socket-write'] as const;
export type WriterName = (typeof writerNames)[number];

/** Hands whole packets to a connection, in order with what Node writes there itself. */
export interface Writer {
  readonly name: WriterName;
  /**
   * Only for a connection that can be written to and for which Node holds nothing (`writableLength` 0). What the kernel
   * does not take at once Node holds afterwards.
   */
  write(conn: Duplex, bytes: Buffer): void;
}

/** Through Node: TLS, WebSocket, other systems than Linux. */
export const socketWriter: Writer = {
  name: 'socket-write',
  write: (conn, bytes) => void conn.write(bytes),
};

/**
 * Past Node, for plain TCP on Linux: a third of what `socket.write` costs. Whatever the reason for which the kernel took
 * less than all, the rest goes to Node in the same tick, before anything can come between. Node then waits until there
 * is room, or finds out by itself that the connection is broken.
 */
export class SendWriter implements Writer {
  readonly name = 'send';
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  write(conn: Duplex, bytes: Buffer): void {
    const sent = this.#kernel.send(descriptorOf(conn), bytes);
    if (sent === bytes.byteLength) return;
    conn.write(sent > 0 ? bytes.subarray(sent) : bytes);
  }
}
