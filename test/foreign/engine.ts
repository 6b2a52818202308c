import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Debian puts servers where the PATH of an ordinary account does not look. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;
const UP_WITHIN_MS = 20_000;

/** So many ports that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    ports.push(typeof address === 'object' ? (address?.port ?? 0) : 0);
  }
  for (const server of servers) server.close();
  return ports;
}

/** A program that is not ours, as a process of this test. */
export class Engine {
  readonly #command: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #said = '';

  private constructor(command: string, args: readonly string[]) {
    this.#command = command;
    this.#child = spawn(command, args, { env: { ...process.env, PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', resolve);
      this.#child.once('error', (error) => {
        this.#said += error.message;
        resolve(error);
      });
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-20_000)));
    }
  }

  /** Resolves once it listens on these ports; rejects with what it said instead. */
  static async start(command: string, args: readonly string[], ports: readonly number[]): Promise<Engine> {
    const engine = new Engine(command, args);
    for (const port of ports) await engine.#untilListens(port);
    return engine;
  }

  get said(): string {
    return this.#said;
  }

  /** It reads its files again. */
  reload(): void {
    this.#child.kill('SIGHUP');
  }

  /** No goodbye to anybody. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #untilListens(port: number): Promise<void> {
    const deadline = performance.now() + UP_WITHIN_MS;
    while (!(await listens(port))) {
      const isGone = this.#child.exitCode !== null || this.#child.pid === undefined;
      if (isGone || performance.now() > deadline) {
        await this.kill();
        throw new Error(
          `${this.#command} is not up (Debian's package of that name is needed):\n${this.#said}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  const isUp = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return isUp;
}

/** Resolves once this holds; the deadline of the test ends it. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
