import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Children } from '../rig/children.ts';

/** A broker that can be killed and is then started again on the same port, as a supervisor does. */
export interface KillableBroker {
  readonly name: 'ours' | 'mosquitto';
  /** Resolves once it takes connections, with its process. */
  start(): Promise<ChildProcess>;
}

export const BROKER_NAME = 'loalang';
/** Sign-ins are what is measured, not the limits: all receivers of this rig come from one address. */
const ROOM = '8192';
const LOOK_MS = 20;

export class OurBroker implements KillableBroker {
  readonly name = 'ours';
  readonly #place: { readonly children: Children; readonly port: number; readonly rootKey: string };

  constructor(place: { children: Children; port: number; rootKey: string }) {
    this.#place = place;
  }

  async start(): Promise<ChildProcess> {
    const { children, port, rootKey } = this.#place;
    const { child } = await children.startOurs('broker/src/main.ts', {
      LOALANG_ROOT_KEY: rootKey,
      LOALANG_BROKER_NAME: BROKER_NAME,
      LOALANG_BROKER_PORT: String(port),
      LOALANG_BROKER_CONNECTIONS: ROOM,
      LOALANG_BROKER_CONNECTIONS_FROM_LOOPBACK: ROOM,
    });
    return child;
  }
}

/** Debian's, letting everybody do everything: it knows neither our credentials nor our rights. */
export class Mosquitto implements KillableBroker {
  readonly name = 'mosquitto';
  readonly #place: { readonly children: Children; readonly port: number; readonly folder: string };

  constructor(place: { children: Children; port: number; folder: string }) {
    this.#place = place;
  }

  async start(): Promise<ChildProcess> {
    const { children, port, folder } = this.#place;
    const file = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence false',
      'max_queued_messages 0',
      'set_tcp_nodelay true',
      'log_dest none',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const child = children.start('mosquitto', ['-c', file], { stdio: 'ignore' });
    while (!(await isListening(port))) {
      if (child.exitCode !== null) throw new Error('mosquitto ended while it was starting');
      await sleep(LOOK_MS);
    }
    return child;
  }
}

async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** One that nobody has at the moment; both brokers take it in turns. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
