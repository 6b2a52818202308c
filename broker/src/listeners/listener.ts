import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What a stream is made of. Only a plain TCP connection may be written to past Node: the others have frames of their own. */
export type Transport = 'tcp' | 'tls' | 'websocket';

/** One connection as every listener hands it over: TCP, later TLS and WebSocket. */
export interface Incoming {
  readonly stream: Duplex;
  /** The peer's IP address, or '' where it is gone already. */
  readonly address: string;
  readonly transport: Transport;
  /** The TCP connection that carries it. */
  readonly socket: Socket;
}

/** A place where connections come in. */
export interface Listener {
  /** Resolves with the port that it listens on. */
  start(): Promise<number>;
  /** Takes no more connections. Those that exist are their owner's to end. */
  close(): Promise<void>;
}

/**
 * How many unsent bytes Node holds for a connection before Aedes waits for it. (Stream packets wait in the table once it
 * holds any.) Said here since Node's own default differs between its versions.
 */
export const SOCKET_HIGH_WATER_BYTES = 16 * 1024;
