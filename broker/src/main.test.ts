import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { generateSigningKey } from '@loalang/shared/signing';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { readConfiguration } from './configuration.ts';

const rootKey = generateSigningKey().public;
const main = fileURLToPath(new URL('main.ts', import.meta.url));
const portSchema = z.number().int().min(1);
const readySchema = z.object({
  type: z.literal('ready'),
  port: portSchema,
  metricsPort: portSchema.optional(),
  listeners: z.array(z.object({ scheme: z.string(), host: z.string(), port: portSchema })),
});
let child: ChildProcess | null = null;

function start(environment: Record<string, string>): ChildProcess {
  child = fork(main, {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, LOALANG_LOG_LEVEL: 'silent', ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return child;
}

afterEach(() => {
  child?.kill('SIGKILL');
});

test.each(['SIGTERM', 'SIGINT', 'the death of its parent'] as const)(
  'the process says when it is ready, and ends cleanly by %s',
  async (cause) => {
    const broker = start({ LOALANG_ROOT_KEY: rootKey, LOALANG_BROKER_PORT: '0' });
    const { port } = z.tuple([readySchema, z.unknown()]).parse(await once(broker, 'message'))[0];
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    const exit = once(broker, 'exit');
    if (cause === 'the death of its parent') broker.disconnect();
    else broker.kill(cause);
    expect(await exit).toEqual([0, null]);
    socket.destroy();
  },
);

test('the process tells how it is where it is told to', async () => {
  const environment = { LOALANG_BROKER_PORT: '0', LOALANG_BROKER_METRICS_PORT: '0' };
  const broker = start({ LOALANG_ROOT_KEY: rootKey, ...environment });
  const { metricsPort } = z.tuple([readySchema, z.unknown()]).parse(await once(broker, 'message'))[0];
  const ask = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${metricsPort}${path}`)).status;
  expect([await ask('/health/live'), await ask('/health/ready'), await ask('/metrics')]).toEqual([
    200, 503, 200,
  ]);
  const exit = once(broker, 'exit');
  broker.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
});

test('every listener is named with its port, and SIGHUP does not end it', async () => {
  const broker = start({
    LOALANG_ROOT_KEY: rootKey,
    LOALANG_BROKER_PORT: '0',
    LOALANG_BROKER_LISTEN: 'ws://127.0.0.1:0,mqtt://127.0.0.1:0?proxy=127.0.0.1',
  });
  const { port, listeners } = z.tuple([readySchema, z.unknown()]).parse(await once(broker, 'message'))[0];
  expect(listeners.map(({ scheme }) => scheme)).toEqual(['mqtt', 'ws', 'mqtt']);
  expect(listeners[0]?.port).toBe(port);
  broker.kill('SIGHUP');
  const answer = await fetch(`http://127.0.0.1:${listeners[1]?.port}/mqtt`);
  expect(answer.status).toBe(426);
});

test.each([
  ['LOALANG_BROKER_LISTEN', { LOALANG_BROKER_LISTEN: 'https://127.0.0.1' }],
  ['LOALANG_BROKER_CERTIFICATE', { LOALANG_BROKER_LISTEN: 'mqtts://127.0.0.1:0' }],
  [
    'LOALANG_BROKER_CERTIFICATE_KEY',
    { LOALANG_BROKER_LISTEN: 'wss://127.0.0.1:0', LOALANG_BROKER_CERTIFICATE: 'one.pem' },
  ],
])('what is wrong with %s is said', (variable, difference) => {
  const read = (): unknown => readConfiguration({ LOALANG_ROOT_KEY: rootKey, ...difference });
  expect(read).toThrow(`CONFIGURATION_INVALID: The configuration is wrong at ${variable}:`);
});

test('a wrong environment is one sentence and the end', async () => {
  const broker = start({ LOALANG_ROOT_KEY: 'no key' });
  const chunks: Buffer[] = [];
  broker.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  expect(await once(broker, 'close')).toEqual([1, null]);
  const lines = Buffer.concat(chunks).toString('utf8').trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^CONFIGURATION_INVALID: .*LOALANG_ROOT_KEY/);
});

test('the environment gives all options, with defaults for what it does not name', () => {
  expect(readConfiguration({ LOALANG_ROOT_KEY: rootKey })).toEqual({
    broker: { rootKey, name: 'loalang', host: '127.0.0.1', port: 1883, writer: 'auto', limits: {} },
    health: null,
  });
  const set = readConfiguration({
    LOALANG_ROOT_KEY: rootKey,
    LOALANG_BROKER_PORT: '0',
    LOALANG_BROKER_WRITER: 'socket-write',
    LOALANG_BROKER_CONNECTIONS_PER_ADDRESS: '200',
    LOALANG_BROKER_RETAINED_BYTES: '1000000',
    LOALANG_BROKER_METRICS_PORT: '9100',
  });
  expect(set).toMatchObject({
    broker: {
      port: 0,
      writer: 'socket-write',
      limits: { connectionsPerAddress: 200, retainedBytes: 1_000_000 },
    },
    health: { host: '127.0.0.1', port: 9100 },
  });
  expect(() => readConfiguration({ LOALANG_ROOT_KEY: rootKey, LOALANG_BROKER_SIGN_IN_MS: 'soon' })).toThrow(
    'LOALANG_BROKER_SIGN_IN_MS',
  );
});
