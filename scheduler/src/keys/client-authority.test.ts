import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromUnixMs } from '@loalang/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureClientAuthority, loadClientAuthority } from './index.ts';

const now = fromUnixMs(Date.UTC(2026, 10, 24));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authority-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('there is no authority for client certificates until it is asked for', async () => {
  expect(await loadClientAuthority(folder)).toBeNull();
  expect(await readdir(folder)).toEqual([]);
});

test('it is made once, readable by the platform alone, and the same for whoever asks later', async () => {
  const made = await ensureClientAuthority(folder, now);
  const [again, loaded] = [await ensureClientAuthority(folder, now), await loadClientAuthority(folder)];
  for (const other of [again, loaded]) {
    expect([other?.key.public, other?.certificate]).toEqual([made.key.public, made.certificate]);
  }
  expect((await stat(join(folder, 'clients.pem'))).mode & 0o777).toBe(0o600);
});

test('a damaged file is told, and not replaced', async () => {
  await writeFile(join(folder, 'clients.pem'), 'nothing');
  await expect(ensureClientAuthority(folder, now)).rejects.toThrow();
});
