import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { CertificatePair } from './certificate-pair.ts';
import { SOCKET_HIGH_WATER_BYTES, type Opener } from './listener.ts';
import { HandshakeError } from './handshake-error.ts';

/** Plain TCP: there is nothing to do. */
export const plainOpener: Opener = { open: async (socket) => Promise.resolve(socket) };

/** `highWaterMark` is not in Node's types, and reaches the stream all the same. */
interface ServerSideOptions extends TLSSocketOptions {
  readonly highWaterMark: number;
}

/** TLS with the certificate of this moment. A connection keeps the one that it began with. */
export class TlsOpener implements Opener {
  readonly #pair: CertificatePair;

  constructor(pair: CertificatePair) {
    this.#pair = pair;
  }

  async open(socket: Socket): Promise<Duplex> {
    const options: ServerSideOptions = {
      isServer: true,
      secureContext: this.#pair.context,
      highWaterMark: SOCKET_HIGH_WATER_BYTES,
    };
    const secured = new TLSSocket(socket, options);
    secured.on('error', () => secured.destroy());
    await new Promise<void>((resolve, reject) => {
      secured.once('secure', resolve);
      secured.once('close', () => reject(new HandshakeError('tls-failed')));
    });
    return secured;
  }
}
