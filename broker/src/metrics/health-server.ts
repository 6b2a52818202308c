import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { LoaLangError } from '@loalang/shared';
import { ProcessReadings } from './process-readings.ts';

export interface HealthAddress {
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
}

/** What a monitor may ask a broker. */
export interface Observed {
  readonly isReady: boolean;
  metricsText(): Promise<string>;
  snapshot(): { readonly droppedByClient: Readonly<Record<string, unknown>> };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** One monitor, perhaps two, and a person with curl; nobody else has any business here. */
const MAX_CONNECTIONS = 16;
const WITHIN_MS = 5_000;
const MAX_HEADER_BYTES = 4 * 1024;

/**
 * Tells monitors how the broker is, by HTTP: `/metrics`, `/health/live` (the event loop answers), `/health/ready` (receivers
 * are let in), `/drops` (which of them missed how many packets of streams). It tells no secret, yet belongs on the loopback interface or a network of the operators: no limit of the
 * broker's own holds here.
 */
export class HealthServer {
  readonly #address: HealthAddress;
  readonly #broker: Observed;
  readonly #readings = new ProcessReadings();
  readonly #server: Server;

  constructor(address: HealthAddress, broker: Observed) {
    this.#address = address;
    this.#broker = broker;
    this.#server = createServer(
      {
        requestTimeout: WITHIN_MS,
        headersTimeout: WITHIN_MS,
        keepAlive: false,
        maxHeaderSize: MAX_HEADER_BYTES,
      },
      (request, response) => void this.#respond(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Resolves with the port that it listens on. */
  async start(): Promise<number> {
    const { host, port } = this.#address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(translate(error, port)));
      this.#server.listen({ host, port }, () => {
        this.#server.removeAllListeners('error');
        resolve();
      });
    });
    this.#readings.start();
    const bound = this.#server.address();
    return bound !== null && typeof bound === 'object' ? bound.port : port;
  }

  async close(): Promise<void> {
    this.#readings.close();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async #respond({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const isRead = method === 'GET' || method === 'HEAD';
    const { status, type, body } = isRead ? await this.#answer(url ?? '') : text(405, 'GET only\n');
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', connection: 'close' });
    response.end(body);
  }

  async #answer(path: string): Promise<Answer> {
    switch (path) {
      case '/metrics':
        return {
          status: 200,
          type: 'text/plain; version=0.0.4; charset=utf-8',
          body: `${await this.#broker.metricsText()}${await this.#readings.text()}`,
        };
      case '/health/live':
        return text(200, 'live\n');
      case '/health/ready':
        return this.#broker.isReady
          ? text(200, 'ready\n')
          : text(503, 'no list of revoked ids yet: the platform is to connect first\n');
      case '/drops':
        return {
          status: 200,
          type: 'application/json',
          body: `${JSON.stringify(this.#broker.snapshot().droppedByClient)}\n`,
        };
      default:
        return text(404, '/metrics, /health/live, /health/ready, /drops\n');
    }
  }
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

function translate(error: NodeJS.ErrnoException, port: number): Error {
  const variable = 'LOALANG_BROKER_METRICS_PORT';
  if (error.code === 'EADDRINUSE')
    return new LoaLangError('PORT_TAKEN', { port, variable }, { cause: error });
  if (error.code === undefined) return error;
  const detail = error.message;
  return new LoaLangError(
    'CONFIGURATION_INVALID',
    { variable: error.code === 'EACCES' ? variable : 'LOALANG_BROKER_METRICS_HOST', detail },
    { cause: error },
  );
}
