import type { Duplex } from 'node:stream';

/** One connection as every listener hands it over: TCP, later TLS and WebSocket. */
export interface Incoming {
  readonly stream: Duplex;
  /** The peer's IP address, or '' where it is gone already. */
  readonly address: string;
}

/** A place where connections come in. */
export interface Listener {
  /** Resolves with the port that it listens on. */
  start(): Promise<number>;
  /** Takes no more connections. Those that exist are their owner's to end. */
  close(): Promise<void>;
}

/**
 * How many unsent bytes Node holds for a connection before it counts as slow. What is in there can no longer be
 * dropped, so it is small: 16 KiB are 3.6 s of one stream at 24 kb/s. Said here since Node's own default differs
 * between its versions.
 */
export const SOCKET_HIGH_WATER_BYTES = 16 * 1024;
