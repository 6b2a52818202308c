// Who is compared, and how each is started and greeted.
import { writeFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { REVOKED_TOPIC, streamTopic, type BrokerRole } from '@loalang/shared';
import { generate, type Packet } from 'mqtt-packet';
import { z } from 'zod';
import { AUDIENCE, Authority, connectPacket, deviceId } from '../../broker/src/test-village.ts';
import { portOf } from '../../device-agent/src/testing/port-of.ts';
import type { Children } from '../rig/children.ts';
import { STREAM_ID } from './wire.ts';

/** In the order in which they are told of. */
export const contestantNames = [
  'send',
  'socket-write',
  'stock',
  'mosquitto',
  'bare',
  'tls',
  'haproxy',
] as const;
export type ContestantName = (typeof contestantNames)[number];

/** A broker that runs, and what one has to say to it. */
export interface Contestant {
  readonly name: ContestantName;
  /** The processes whose time counts. */
  readonly pids: readonly number[];
  readonly port: number;
  readonly speakerPort: number;
  readonly isTls: boolean;
  /** Packets, base64, that sign receiver n in and subscribe it. */
  greetReceiver(index: number): Promise<string[]>;
  greetSpeaker(): Promise<string[]>;
}

export interface Grounds {
  readonly children: Children;
  /** For configuration files. */
  readonly folder: string;
}

const readySchema = z.object({ port: z.number(), speakerPort: z.number().optional() });
/** Above any number of receivers here. */
const MANY = '20000';
const KNOCK_MS = 50;
const MOST_KNOCKS = 200;

/** Our broker as in service, whose receivers and speaker sign in. */
export async function startOurs(
  { children }: Grounds,
  writer: 'send' | 'socket-write',
  env: Readonly<Record<string, string>> = {},
): Promise<{ contestant: Contestant; ready: unknown }> {
  const authority = await Authority.create();
  const { child, ready } = await children.startOurs('broker/src/main.ts', {
    LOALANG_ROOT_KEY: authority.root.public,
    LOALANG_BROKER_NAME: AUDIENCE,
    LOALANG_BROKER_PORT: '0',
    LOALANG_BROKER_WRITER: writer,
    LOALANG_BROKER_CONNECTIONS: MANY,
    LOALANG_BROKER_CONNECTIONS_FROM_LOOPBACK: MANY,
    LOALANG_BROKER_NEW_PER_SECOND: MANY,
    ...env,
  });
  const { port } = readySchema.parse(ready);
  const signIn = async (id: string, role: BrokerRole): Promise<string> =>
    base64(await connectPacket(await authority.issue(id, role)));
  const contestant: Contestant = {
    name: writer,
    pids: [child.pid ?? 0],
    port,
    speakerPort: port,
    isTls: false,
    greetReceiver: async (index) => [await signIn(deviceId(index), 'device'), subscribe],
    greetSpeaker: async () => {
      const payload = await authority.revoke(1, []);
      const revoked = { cmd: 'publish', topic: REVOKED_TOPIC, payload, qos: 1, messageId: 1 } as const;
      return [await signIn('platform', 'platform'), base64({ ...revoked, dup: false, retain: true })];
    },
  };
  return { contestant, ready };
}

export async function startStock({ children }: Grounds): Promise<Contestant> {
  const { child, ready } = await children.startOurs('bench/fanout/stock-aedes.ts', {});
  return open('stock', child.pid, readySchema.parse(ready).port);
}

export async function startMosquitto({ children, folder }: Grounds): Promise<Contestant> {
  const port = await freePort();
  const file = join(folder, `mosquitto-${port}.conf`);
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'set_tcp_nodelay true',
    'persistence false',
    'log_dest none',
  ];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o644 });
  const { pid } = children.start('mosquitto', ['-c', file], { stdio: 'ignore' });
  await isOpen('mosquitto', port);
  return open('mosquitto', pid, port);
}

export async function startBare({ children }: Grounds): Promise<Contestant> {
  const { child, ready } = await children.startOurs('bench/fanout/bare-loop.ts', {});
  const { port, speakerPort = port } = readySchema.parse(ready);
  return {
    name: 'bare',
    pids: [child.pid ?? 0],
    port,
    speakerPort,
    isTls: false,
    greetReceiver: async () => Promise.resolve([]),
    greetSpeaker: async () => Promise.resolve([]),
  };
}

/** A broker that lets everybody in. */
function open(name: ContestantName, pid: number | undefined, port: number): Contestant {
  const signIn = (clientId: string): string =>
    base64({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 120,
      clientId,
    });
  return {
    name,
    pids: [pid ?? 0],
    port,
    speakerPort: port,
    isTls: false,
    greetReceiver: async (index) => Promise.resolve([signIn(deviceId(index)), subscribe]),
    greetSpeaker: async () => Promise.resolve([signIn('speaker')]),
  };
}

const subscribe = base64({
  cmd: 'subscribe',
  messageId: 1,
  subscriptions: [{ topic: streamTopic(STREAM_ID), qos: 0 }],
});

function base64(packet: Packet): string {
  return generate(packet).toString('base64');
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves once a program takes connections. */
export async function isOpen(program: string, port: number): Promise<void> {
  for (let left = MOST_KNOCKS; left > 0; left -= 1) {
    if (await knock(port)) return;
    await sleep(KNOCK_MS);
  }
  throw new Error(`${program} did not start`);
}

async function knock(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
