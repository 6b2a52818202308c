import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { mosquittoFiles, natsFiles, type GeneratedFile, type NatsNode } from '@loalang/broker';
import { ensureClientAuthority } from '@loalang/scheduler';
import { deviceIdSchema, fromUnixMs } from '@loalang/shared';

const USAGE = `Writes the configuration of a broker that stands in the place of ours, from the table of rights.

  npm run foreign -- mosquitto --data DIR --out DIR --certificate FILE --key FILE
  npm run foreign -- nats      --data DIR --out DIR --certificate FILE --key FILE
                               --receivers FILE --node NAME=HOST [--node NAME=HOST …]

  --data         the platform's data folder; its keys/clients.pem signs client certificates and is made where it is missing
  --out          where the files are written, and where the broker reads them
  --certificate, --key   the broker's own, PEM
  --receivers    ids of receivers that may sign in, one a line (NATS)
  --revoked      ids that are shut out, one a line
  --host, --port where it listens (0.0.0.0, 8883)
  --connections  how many at most (4096)
`;

const options = {
  data: { type: 'string' },
  out: { type: 'string' },
  certificate: { type: 'string' },
  key: { type: 'string' },
  receivers: { type: 'string' },
  revoked: { type: 'string' },
  node: { type: 'string', multiple: true, default: [] as string[] },
  host: { type: 'string', default: '0.0.0.0' },
  port: { type: 'string', default: '8883' },
  connections: { type: 'string', default: '4096' },
} as const;

class UsageError extends Error {}

type Arguments = ReturnType<typeof readArguments>['values'];

function readArguments(): ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>> {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function main(): Promise<void> {
  const { positionals, values } = readArguments();
  const [engine] = positionals;
  const places = readPlaces(values);
  // Everything is read before anything is made.
  if (engine === 'mosquitto') {
    const where = { ...places, host: values.host, port: Number(values.port) };
    write(places.folder, mosquittoFiles({ ...where, clientCa: await clientCa(values) }));
  } else if (engine === 'nats') {
    const receivers = readIds(need(values, 'receivers'));
    const nodes = readNodes(values);
    const clusterSecret = randomBytes(24).toString('base64url');
    const cluster = { ...places, receivers, nodes, clusterSecret };
    write(places.folder, natsFiles({ ...cluster, clientCa: await clientCa(values) }));
  } else throw new UsageError('Name a broker: mosquitto or nats.');
}

function readPlaces(values: Arguments) {
  need(values, 'data');
  return {
    folder: resolve(need(values, 'out')),
    certificate: { certificate: resolve(need(values, 'certificate')), key: resolve(need(values, 'key')) },
    connections: Number(values.connections),
    revoked: values.revoked === undefined ? [] : readIds(values.revoked),
  };
}

/** The authority of the platform's data folder, made where it is missing. */
async function clientCa(values: Arguments): Promise<string> {
  const keys = join(resolve(need(values, 'data')), 'keys');
  return (await ensureClientAuthority(keys, fromUnixMs(Date.now()))).certificate;
}

function need(values: Arguments, name: 'data' | 'out' | 'certificate' | 'key' | 'receivers'): string {
  const value = values[name];
  if (value === undefined) throw new UsageError(`--${name} is missing.`);
  return value;
}

function readIds(file: string): string[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const wrong = lines.find((line) => !deviceIdSchema.safeParse(line).success);
  if (wrong !== undefined) throw new UsageError(`${file}: ${wrong} is no id of a receiver.`);
  return lines;
}

function readNodes({ node, host, port }: Arguments): NatsNode[] {
  if (node.length === 0) throw new UsageError('--node is missing.');
  return node.map((text) => {
    const [name = '', clusterHost = ''] = text.split('=');
    if (!/^[a-z0-9-]+$/.test(name) || clusterHost === '')
      throw new UsageError(`--node ${text} is not NAME=HOST.`);
    const ports = { port: Number(port), clusterPort: 6222, localPort: 4222 };
    return { name, host, clusterHost, ...ports, storeFolder: `/var/lib/nats/${name}` };
  });
}

function write(folder: string, files: readonly GeneratedFile[]): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of files) {
    writeFileSync(join(folder, name), text, { mode: 0o640 });
    console.log(join(folder, name));
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 1;
}
