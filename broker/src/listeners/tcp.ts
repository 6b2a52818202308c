import { createServer, type Server, type Socket } from 'node:net';
import { LoaLangError } from '@loalang/shared';
import { SOCKET_HIGH_WATER_BYTES, type Incoming, type Listener } from './listener.ts';

/** Plain MQTT over TCP. */
export class TcpListener implements Listener {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #server: Server;

  constructor(address: { host: string; port: number }, onConnection: (incoming: Incoming) => void) {
    this.#address = address;
    this.#server = createServer(
      { noDelay: true, keepAlive: true, highWaterMark: SOCKET_HIGH_WATER_BYTES },
      (socket: Socket) =>
        onConnection({ stream: socket, socket, address: socket.remoteAddress ?? '', transport: 'tcp' }),
    );
  }

  async start(): Promise<number> {
    const { host, port } = this.#address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(translate(error, port)));
      this.#server.listen({ host, port }, () => {
        this.#server.removeAllListeners('error');
        resolve();
      });
    });
    const bound = this.#server.address();
    return bound !== null && typeof bound === 'object' ? bound.port : port;
  }

  /** Resolves at once: Node would wait for the last connection to end. */
  async close(): Promise<void> {
    if (this.#server.listening) this.#server.close();
    return Promise.resolve();
  }
}

function translate(error: NodeJS.ErrnoException, port: number): Error {
  const variable = 'LOALANG_BROKER_PORT';
  switch (error.code) {
    case 'EADDRINUSE':
      return new LoaLangError('PORT_TAKEN', { port, variable }, { cause: error });
    case 'EACCES':
      return invalid(variable, error);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return invalid('LOALANG_BROKER_HOST', error);
    case undefined:
    default:
      return error;
  }
}

function invalid(variable: string, cause: Error): Error {
  return new LoaLangError('CONFIGURATION_INVALID', { variable, detail: cause.message }, { cause });
}
