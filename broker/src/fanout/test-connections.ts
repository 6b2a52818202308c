import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';
import { SOCKET_HIGH_WATER_BYTES } from '../listeners/listener.ts';

/** What the tests of the fan-out share: real connections of every kind, with both ends in this process. */

export interface Ends {
  /** The broker's. */
  readonly near: Duplex;
  /** The TCP connection that carries it. */
  readonly socket: Socket;
  readonly far: Duplex;
}

/** Where connections are made. */
export interface Yard {
  open(): Promise<Ends>;
  close(): void;
}

export const yards = { tcp: openTcpYard, tls: openTlsYard, websocket: openWebSocketYard };

export async function openTcpYard(): Promise<Yard> {
  const server = createServer({ noDelay: true, highWaterMark: SOCKET_HIGH_WATER_BYTES });
  const port = await listen(server);
  return {
    open: async () => {
      const accepted = nextSocket(server);
      const far = connect(port, '127.0.0.1');
      await once(far, 'connect');
      const socket = await accepted;
      return quiet({ near: socket, socket, far });
    },
    close: () => server.close(),
  };
}

/** By a shared secret, so that no certificate is needed. */
async function openTlsYard(): Promise<Yard> {
  const psk = Buffer.alloc(32, 7);
  const bySecret = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
  const server = createTlsServer({ ...bySecret, pskCallback: () => psk });
  const port = await listen(server);
  return {
    open: async () => {
      const socket = nextSocket(server);
      const near = new Promise<Duplex>((resolve) => server.once('secureConnection', resolve));
      const far = connectTls({
        ...bySecret,
        port,
        host: '127.0.0.1',
        pskCallback: () => ({ psk, identity: 'test' }),
        checkServerIdentity: () => undefined,
      });
      await once(far, 'secureConnect');
      return quiet({ near: await near, socket: await socket, far });
    },
    close: () => server.close(),
  };
}

async function openWebSocketYard(): Promise<Yard> {
  const server = createHttpServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const port = await listen(server);
  return {
    open: async () => {
      const socket = nextSocket(server);
      const near = new Promise<WebSocket>((resolve) => sockets.once('connection', resolve));
      const far = new WebSocket(`ws://127.0.0.1:${port}`);
      await once(far, 'open');
      return quiet({
        near: createWebSocketStream(await near),
        socket: await socket,
        far: createWebSocketStream(far),
      });
    },
    close: () => server.close(),
  };
}

async function nextSocket(server: Server): Promise<Socket> {
  return new Promise((resolve) => server.once('connection', resolve));
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not on a port');
  return address.port;
}

/** Broken connections are part of these tests. */
function quiet(ends: Ends): Ends {
  for (const end of [ends.near, ends.far]) end.on('error', () => end.destroy());
  return ends;
}
