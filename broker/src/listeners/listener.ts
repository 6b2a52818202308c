import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HandshakeObjection } from './handshake-error.ts';

/** What a stream is made of. Only a plain TCP connection may be written to past Node: the others have frames of their own. */
export type Transport = 'tcp' | 'tls' | 'websocket';

/** One connection as every listener hands it over: what is read and written is MQTT and nothing else. */
export interface Incoming {
  readonly stream: Duplex;
  /** The peer's IP address, as it is or as a trusted proxy tells it; '' where it is gone already. */
  readonly address: string;
  readonly transport: Transport;
  /** The TCP connection that carries it. */
  readonly socket: Socket;
}

/** Where one listener listens, and what it speaks. */
export interface ListenerSettings {
  readonly transport: Transport;
  /** Only WebSocket leaves a choice. */
  readonly isTls: boolean;
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  /**
   * Addresses and networks of the proxies in front. Where there are any, nobody else is taken, and each connection must
   * begin with a header of the PROXY protocol.
   */
  readonly proxies: readonly string[];
}

/** Who is asked about connections, and takes them. */
export interface Gatekeeper {
  /** Counts a connection in, before anything is spent on it, until it closes; false where there is no room for it. */
  admit(socket: Socket, address: string): boolean;
  /** A connection that came to nothing. */
  refused(reason: HandshakeObjection): void;
  /** A connection whose handshakes are done. */
  enter(incoming: Incoming): void;
}

/** What stands between a TCP connection and MQTT. */
export interface Opener {
  /** Does the handshakes. Rejects with a HandshakeError; ends with the socket, whose owner bounds its time. */
  open(socket: Socket): Promise<Duplex>;
}

/**
 * How many unsent bytes Node holds for a connection before Aedes waits for it. (Stream packets wait in the table once it
 * holds any.) Said here since Node's own default differs between its versions.
 */
export const SOCKET_HIGH_WATER_BYTES = 16 * 1024;
