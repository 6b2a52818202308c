import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';

/** An MQTT broker that lets everyone do everything: what the platform itself checks is all that protects. */
export class PlainBroker {
  /** What each client showed last, by its id. */
  readonly credentials = new Map<string, string>();
  #aedes: Aedes | null = null;
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  /** Listens on a free port; after a stop on the same one again, with nothing in it. */
  async start(): Promise<void> {
    const aedes = await Aedes.createBroker({
      authenticate: (client, userName, _password, done) => {
        this.credentials.set(client.id, userName ?? '');
        done(null, true);
      },
    });
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    this.#aedes = aedes;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const [aedes, server] = [this.#aedes, this.#server];
    this.#aedes = null;
    this.#server = null;
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      if (aedes === null) resolve();
      else aedes.close(() => resolve());
    });
  }
}
