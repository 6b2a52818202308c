import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rotate } from '../scripts/child-process.ts';
import { checkAddress, urlOf } from '../scripts/data-folder.ts';

const names = { host: 'HOST', port: 'PORT' };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-scripts-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('a log that has grown is put aside under the program that writes into it', () => {
  const file = join(folder, 'a.log');
  const log = openSync(file, 'a');
  writeSync(log, 'before\n');
  rotate(file, 5);
  writeSync(log, 'now\n');
  rotate(file, 5);
  closeSync(log);
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('before\n');
  expect(readFileSync(file, 'utf8')).toBe('now\n');
});

test('a log that can not be put aside is cut all the same', async () => {
  const file = join(folder, 'a.log');
  await writeFile(file, 'before');
  await symlink(join(folder, 'nowhere', 'a.log.1'), `${file}.1`);
  rotate(file, 5);
  expect(readFileSync(file, 'utf8')).toBe('');
});

test('an address that is not of this machine is not called a port in use', async () => {
  // TEST-NET-3 (RFC 5737): nobody has it.
  await expect(checkAddress({ host: '203.0.113.1', port: 0 }, names)).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    details: { variable: 'HOST, PORT' },
  });
});

test('a server on every address is found at localhost, one on an IPv6 address in brackets', () => {
  expect(['0.0.0.0', '::', '::1', '127.0.0.1'].map((host) => urlOf(host, 80))).toEqual([
    'http://localhost:80',
    'http://localhost:80',
    'http://[::1]:80',
    'http://127.0.0.1:80',
  ]);
});
