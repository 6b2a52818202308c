import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/foreign.ts', import.meta.url));
let folder: string;
let places: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-command-'));
  places = ['--data', join(folder, 'data'), '--out', join(folder, 'out'), '--certificate', 'broker.crt'];
  places.push('--key', 'broker.key');
  await writeFile(join(folder, 'receivers'), 'd-aaaaaaaaaa\nd-bbbbbbbbbb\n\n');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

function run(args: readonly string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, ...args], {
    encoding: 'utf8',
  });
  return { status, stderr };
}

test('npm run foreign writes what Mosquitto needs, with the authority of the platform', async () => {
  expect(run(['mosquitto', ...places])).toEqual({ status: 0, stderr: '' });
  expect((await readdir(join(folder, 'out'))).toSorted()).toEqual([
    'clients-ca.pem',
    'mosquitto.acl',
    'mosquitto.conf',
  ]);
  const kept = await readFile(join(folder, 'data', 'keys', 'clients.pem'), 'utf8');
  expect(kept).toContain(await readFile(join(folder, 'out', 'clients-ca.pem'), 'utf8'));
  const rights = await readFile(join(folder, 'out', 'mosquitto.acl'), 'utf8');
  expect(rights).toContain('pattern write ll/v1/dev/%u/status\n');
  expect(rights).toContain('pattern read ll/v1/dev/%u/plan\n');
});

test('and what a cluster of NATS servers needs, for the receivers that are named', async () => {
  const nodes = ['--node', 'loa-1=10.0.0.1', '--node', 'loa-2=10.0.0.2', '--node', 'loa-3=10.0.0.3'];
  const ids = ['--receivers', join(folder, 'receivers')];
  expect(run(['nats', ...places, ...nodes, ...ids])).toEqual({ status: 0, stderr: '' });
  expect((await readdir(join(folder, 'out'))).toSorted()).toEqual([
    'clients-ca.pem',
    'loa-1.conf',
    'loa-2.conf',
    'loa-3.conf',
    'users.conf',
  ]);
  const users = await readFile(join(folder, 'out', 'users.conf'), 'utf8');
  expect(users.match(/CN=[a-z0-9-]+/g)).toEqual([
    'CN=platform',
    'CN=time',
    'CN=d-aaaaaaaaaa',
    'CN=d-bbbbbbbbbb',
  ]);
});

test.each([
  ['no broker', []],
  ['a broker that it does not know', ['hivemq']],
  ['no place for the files', ['mosquitto', '--data', 'x']],
  ['no receivers', ['nats', '--node', 'loa-1=10.0.0.1']],
])('%s is one sentence and the usage', (_, args) => {
  const { status, stderr } = run(args.length > 2 && args[0] === 'nats' ? [...args, ...places] : args);
  expect(status).toBe(1);
  expect(stderr).toContain('npm run foreign -- mosquitto');
});
