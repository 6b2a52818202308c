import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { LoaLangError } from '@loalang/shared';
import { SOCKET_HIGH_WATER_BYTES, type Gatekeeper, type ListenerSettings, type Opener } from './listener.ts';
import { HandshakeError, type HandshakeObjection } from './handshake-error.ts';
import { isAmong, makeAddressList, takeProxyHeader } from './proxy-header.ts';

/** Bounds of what is not MQTT yet. */
export interface HandshakeBounds {
  /** From the first byte of TCP to a stream of MQTT, for proxy header, TLS and WebSocket together. */
  readonly handshakeMs: number;
  /** Connections that may be in it at once. */
  readonly handshakes: number;
}

/** Names of the variables that set host and port, for the sentence of an error. */
export interface Variables {
  readonly host: string;
  readonly port: string;
}

/** A port where connections come in: who stands behind a proxy is told by it, then come the handshakes, then MQTT. */
export class PortListener {
  readonly #settings: ListenerSettings;
  readonly #variables: Variables;
  readonly #opener: Opener;
  readonly #gate: Gatekeeper;
  readonly #bounds: HandshakeBounds;
  readonly #server: Server;
  readonly #opening = new Set<Socket>();
  readonly #isProxy: (address: string) => boolean;

  constructor(parts: {
    settings: ListenerSettings;
    variables: Variables;
    opener: Opener;
    gate: Gatekeeper;
    bounds: HandshakeBounds;
  }) {
    this.#settings = parts.settings;
    this.#variables = parts.variables;
    this.#opener = parts.opener;
    this.#gate = parts.gate;
    this.#bounds = parts.bounds;
    const proxies = makeAddressList(parts.settings.proxies);
    this.#isProxy = (address) => isAmong(proxies, address);
    this.#server = createServer(
      { noDelay: true, keepAlive: true, highWaterMark: SOCKET_HIGH_WATER_BYTES },
      (socket) => void this.#accept(socket),
    );
  }

  /** Resolves with the port that it listens on. */
  async start(): Promise<number> {
    const { host, port } = this.#settings;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(this.#translate(error)));
      this.#server.listen({ host, port }, () => {
        this.#server.removeAllListeners('error');
        resolve();
      });
    });
    return portOf(this.#server.address()) ?? port;
  }

  /** Takes no more connections and ends those that are not MQTT yet. Resolves at once: Node would wait for the last one. */
  async close(): Promise<void> {
    if (this.#server.listening) this.#server.close();
    for (const socket of this.#opening) socket.destroy();
    return Promise.resolve();
  }

  async #accept(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      socket.destroy();
    }, this.#bounds.handshakeMs);
    this.#opening.add(socket);
    try {
      await this.#open(socket);
    } catch (error) {
      this.#gate.refused(isLate ? 'handshake-slow' : objectionOf(error));
      socket.destroy();
    } finally {
      clearTimeout(deadline);
      this.#opening.delete(socket);
    }
  }

  async #open(socket: Socket): Promise<void> {
    if (this.#opening.size > this.#bounds.handshakes) throw new HandshakeError('handshake-full');
    const address = await this.#addressOf(socket);
    if (!this.#gate.admit(socket, address)) {
      socket.destroy();
      return;
    }
    const stream = await this.#opener.open(socket);
    this.#gate.enter({ stream, socket, address, transport: this.#settings.transport });
  }

  async #addressOf(socket: Socket): Promise<string> {
    const peer = socket.remoteAddress ?? '';
    if (this.#settings.proxies.length === 0) return peer;
    if (!this.#isProxy(peer)) throw new HandshakeError('proxy-unknown');
    return (await takeProxyHeader(socket)) ?? peer;
  }

  #translate(error: NodeJS.ErrnoException): Error {
    const { host, port } = this.#variables;
    switch (error.code) {
      case 'EADDRINUSE':
        return new LoaLangError(
          'PORT_TAKEN',
          { port: this.#settings.port, variable: port },
          { cause: error },
        );
      case 'EACCES':
        return invalid(port, error);
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
      case 'EAFNOSUPPORT':
        return invalid(host, error);
      case undefined:
      default:
        return error;
    }
  }
}

/** What broke inside a handshake broke because of what the other end sent: it is a refusal, whatever it is. */
function objectionOf(error: unknown): HandshakeObjection {
  return error instanceof HandshakeError ? error.objection : 'tls-failed';
}

function portOf(address: AddressInfo | string | null): number | null {
  return address !== null && typeof address === 'object' ? address.port : null;
}

function invalid(variable: string, cause: Error): Error {
  return new LoaLangError('CONFIGURATION_INVALID', { variable, detail: cause.message }, { cause });
}
