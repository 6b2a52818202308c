import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Link } from './link.ts';
import { ShapedPipe } from './shaped-pipe.ts';

/** A receiver holds a handful of connections; what comes beyond is reset. */
const MAX_CONNECTIONS = 64;

interface Connection {
  readonly near: Socket;
  readonly far: Socket;
  readonly up: ShapedPipe;
  readonly down: ShapedPipe;
}

/**
 * A TCP proxy on 127.0.0.1 that puts a link in front of one target. Nagle is off on both sides: the link alone decides
 * when bytes come. What it does not do: the handshake costs no round trip, and nothing is ever lost, only late.
 */
export class TcpShaper {
  readonly #target: { host: string; port: number };
  readonly #link: Link;
  readonly #connections = new Set<Connection>();
  #server: Server | null = null;
  #isRefusing = false;
  #isCut = false;

  constructor(options: { target: { host: string; port: number }; link: Link }) {
    this.#target = options.target;
    this.#link = options.link;
  }

  /** The port that receivers connect to. Only while started. */
  get port(): number {
    const address = this.#server?.address();
    if (address === null || address === undefined || typeof address === 'string') {
      throw new Error('the shaper is not started');
    }
    return address.port;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  async start(): Promise<AddressInfo> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#accept(near));
    this.#server = server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { address: '127.0.0.1', family: 'IPv4', port: this.port };
  }

  /** Resets every connection; with `isRefusing` new ones too, until it is taken back. */
  reset(): void {
    for (const { near, far, up, down } of this.#connections) {
      up.close();
      down.close();
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    this.#connections.clear();
  }

  setRefusing(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
    if (isRefusing) this.reset();
  }

  /** The connections of now go silent for good and neither end is told, as when a mobile network forgets them. New ones work. */
  halfOpen(): void {
    for (const { up, down } of this.#connections) {
      up.silence();
      down.silence();
    }
  }

  /**
   * The near side is gone without a word, as when its power is cut: the target is left with connections that nobody
   * answers, and nothing is let through until `restore`.
   */
  cut(): void {
    this.#isCut = true;
    for (const { near, up, down } of this.#connections) {
      up.silence();
      down.silence();
      near.resetAndDestroy();
    }
  }

  restore(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = once(server, 'close');
    server.close();
    this.reset();
    await closed;
  }

  #accept(near: Socket): void {
    // An error is always followed by 'close', where the pipes deal with it.
    near.on('error', () => undefined);
    const isFull = this.#connections.size >= MAX_CONNECTIONS;
    if (this.#isRefusing || this.#isCut || isFull || this.#server === null) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    far.on('error', () => undefined);
    const link = this.#link;
    const up = new ShapedPipe({ from: near, to: far, link, shaper: link.up });
    const down = new ShapedPipe({ from: far, to: near, link, shaper: link.down });
    this.#keep({ near, far, up, down });
    up.start();
    down.start();
  }

  #keep(connection: Connection): void {
    this.#connections.add(connection);
    const release = (): void => {
      if (!connection.near.destroyed || !connection.far.destroyed) return;
      connection.up.close();
      connection.down.close();
      this.#connections.delete(connection);
    };
    connection.near.on('close', release);
    connection.far.on('close', release);
  }
}
