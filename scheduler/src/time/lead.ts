import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Between a lead that ends and the next that begins there is nobody to wait for. */
const AGAIN_AFTER_MS = 20;
/** An abstract socket is open to everybody on the machine. */
const MAX_FOLLOWERS = 16;

/**
 * The lead of a data folder on this machine: one process has it, the others wait. It is an abstract Unix socket, which
 * the kernel frees with its process, however that ends; who waits holds a connection to it, and so is told at once.
 */
export class Lead {
  readonly #name: string;
  readonly #followers = new Set<Socket>();
  #server: Server | null = null;

  constructor(dataFolder: string) {
    const name = createHash('sha256').update(realpathSync(dataFolder)).digest('hex').slice(0, 32);
    this.#name = `\0loalang-time-${name}`;
  }

  /** Resolves with true once this is the one, with false when it is told to give up before. */
  async take(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#listen()) break;
      await this.#waitForEnd(signal);
    }
    // Given up while it was being taken: the others wait for it.
    if (signal.aborted) this.close();
    return !signal.aborted;
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#followers) socket.destroy();
  }

  async #listen(): Promise<boolean> {
    const server = createServer((socket) => {
      this.#followers.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#followers.delete(socket));
      socket.resume();
    });
    server.maxConnections = MAX_FOLLOWERS;
    server.listen(this.#name);
    try {
      await once(server, 'listening');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
      throw error;
    }
    this.#server = server;
    return true;
  }

  async #waitForEnd(signal: AbortSignal): Promise<void> {
    const socket = connect(this.#name);
    socket.resume();
    const end = (): void => void socket.destroy();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    // An error is told before the end, and means the same.
    await new Promise<void>((resolve) => {
      socket.on('error', () => undefined).once('close', () => resolve());
    });
    signal.removeEventListener('abort', end);
    await wait(AGAIN_AFTER_MS);
  }
}
