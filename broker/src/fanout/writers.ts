import { createServer, Socket, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { LoaLangError } from '@loalang/shared';
import { UNSENT_BYTES } from './bounds.ts';
import { descriptorOf, openKernel, type Kernel } from './kernel.ts';
import { SendWriter, socketWriter, type Writer, type WriterName } from './writer.ts';

/** `auto`: the fastest that works here. */
export type WriterChoice = 'auto' | WriterName;

/** What was chosen at the start. */
export interface WriterState {
  /** For plain TCP; TLS and WebSocket are always written to through Node. */
  readonly writer: WriterName;
  /** Whether the kernel's send buffers are bounded (`UNSENT_BYTES`). */
  readonly isUnsentBounded: boolean;
  /** Why the kernel could not be reached past Node; '' where it could. */
  readonly objection: string;
}

/** Which writer writes to which connection. Until it is started, Node writes everywhere. */
export class Writers {
  readonly #choice: WriterChoice;
  readonly #open: () => Promise<Kernel>;
  readonly #direct = new WeakSet<Duplex>();
  #kernel: Kernel | null = null;
  #objection = 'not tried yet';
  #writer: Writer = socketWriter;

  constructor(choice: WriterChoice, open: () => Promise<Kernel> = openKernel) {
    this.#choice = choice;
    this.#open = open;
  }

  /** Tries what this machine can do, by a real connection. Rejects where `send` was asked for and does not work. */
  async start(): Promise<WriterState> {
    try {
      const kernel = await this.#open();
      await tryKernel(kernel);
      this.#kernel = kernel;
      this.#objection = '';
      if (this.#choice !== 'socket-write') this.#writer = new SendWriter(kernel);
    } catch (error) {
      this.#objection = error instanceof Error ? error.message : String(error);
      if (this.#choice === 'send') throw unavailable(this.#objection);
    }
    return this.state;
  }

  get state(): WriterState {
    const { name: writer } = this.#writer;
    return { writer, isUnsentBounded: this.#kernel !== null, objection: this.#objection };
  }

  /** To be called for every TCP connection, whatever is spoken over it: bounds what the kernel hides of it. */
  bound(connection: Duplex): void {
    this.#kernel?.boundUnsent(descriptorOf(connection), UNSENT_BYTES);
  }

  /** This stream is a TCP connection and nothing more: its bytes may be given to the kernel as they are. */
  allowDirect(stream: Duplex): void {
    this.#direct.add(stream);
  }

  of(stream: Duplex): Writer {
    return this.#direct.has(stream) ? this.#writer : socketWriter;
  }
}

function unavailable(detail: string): LoaLangError {
  return new LoaLangError('CONFIGURATION_INVALID', {
    variable: 'LOALANG_BROKER_WRITER',
    detail: `send does not work here: ${detail}`,
  });
}

const TRIAL = Buffer.from('one packet');
const TRIAL_MS = 2_000;

/** Rejects unless bytes that are given to the kernel arrive at the other end of a TCP connection. */
async function tryKernel(kernel: Kernel): Promise<void> {
  const server = createServer();
  const far = new Socket();
  const near = new Promise<Socket>((resolve) => server.once('connection', resolve));
  near.then(
    (socket) => far.once('close', () => socket.destroy()),
    () => undefined,
  );
  const deadline = setTimeout(() => far.destroy(new Error('nothing arrives')), TRIAL_MS);
  try {
    await connectTo(server, far);
    trySend(kernel, descriptorOf(await near));
    await arrival(far);
  } finally {
    clearTimeout(deadline);
    far.destroy();
    server.close();
  }
}

async function connectTo(server: Server, far: Socket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    far.once('error', reject).once('connect', resolve);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') far.connect(address.port, '127.0.0.1');
    });
  });
}

function trySend(kernel: Kernel, descriptor: number): void {
  if (!kernel.boundUnsent(descriptor, UNSENT_BYTES)) throw new Error('TCP_NOTSENT_LOWAT is refused');
  if (kernel.send(descriptor, TRIAL) !== TRIAL.byteLength) throw new Error('send is refused');
}

async function arrival(far: Socket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    far.once('error', reject);
    far.once('data', (bytes: Buffer) => {
      if (bytes.equals(TRIAL)) resolve();
      else reject(new Error('what was sent arrived as something else'));
    });
  });
}
