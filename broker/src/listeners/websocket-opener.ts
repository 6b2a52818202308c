import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';
import { SOCKET_HIGH_WATER_BYTES, type Opener } from './listener.ts';
import { HandshakeError } from './handshake-error.ts';

export const WEBSOCKET_PATH = '/mqtt';
/** [MQTT-6.0.0-3]. */
const SUBPROTOCOL = 'mqtt';
/**
 * One message is collected whole before it is read. No message of a receiver is longer (the platform takes none that is),
 * and the platform itself comes by TCP.
 */
const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 8 * 1024;

/** MQTT in WebSockets, over whatever stands below. */
export class WebSocketOpener implements Opener {
  readonly #below: Opener;
  readonly #http: Server;
  readonly #upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    // Answered below, bounded: a peer that asks and never reads would fill memory with answers.
    autoPong: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  readonly #waiting = new WeakMap<Duplex, (stream: Duplex) => void>();

  constructor(below: Opener) {
    this.#below = below;
    // It never listens: connections are handed to it.
    this.#http = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
    });
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
  }

  async open(socket: Socket): Promise<Duplex> {
    const below = await this.#below.open(socket);
    return new Promise((resolve, reject) => {
      this.#waiting.set(below, resolve);
      below.once('close', () => reject(new HandshakeError('websocket-failed')));
      this.#http.emit('connection', below);
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const resolve = this.#waiting.get(socket);
    if (resolve === undefined || !isForUs(request)) {
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', () =>
        socket.destroy(),
      );
      return;
    }
    // The stream is made within this call: the first message may have come along with the request.
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => resolve(streamOf(webSocket)));
  }
}

function isForUs({ url, headers }: IncomingMessage): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return url === WEBSOCKET_PATH && offered.includes(SUBPROTOCOL);
}

/**
 * Its bytes as one stream. A write is done when the socket below has taken it, so what the stream says to hold unsent is
 * true.
 */
function streamOf(webSocket: WebSocket): Duplex {
  webSocket.on('message', (_, isBinary) => {
    // [MQTT-6.0.0-1]
    if (!isBinary) webSocket.terminate();
  });
  webSocket.on('ping', (data) => {
    if (webSocket.bufferedAmount === 0) webSocket.pong(data);
  });
  return createWebSocketStream(webSocket, {
    readableHighWaterMark: SOCKET_HIGH_WATER_BYTES,
    writableHighWaterMark: SOCKET_HIGH_WATER_BYTES,
  });
}
