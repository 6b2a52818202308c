import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { finishWiping, markForWiping } from './wiping.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-wiping-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'assets', 'a'), 'sound');
  await writeFile(join(folder, 'own-key.pem'), 'key');
});
afterEach(() => rm(folder, { recursive: true }));

test('a folder that was marked is empty after the next start, and stays one for the start after', async () => {
  await markForWiping(folder);
  expect(await finishWiping(folder)).toBe(true);
  expect(await readdir(folder)).toEqual([]);
  await writeFile(join(folder, 'own-key.pem'), 'another');
  expect(await finishWiping(folder)).toBe(false);
  expect(await readdir(folder)).toEqual(['own-key.pem']);
});

test('a power cut in the middle leaves the mark, and the work goes on', async () => {
  await markForWiping(folder);
  await rm(join(folder, 'own-key.pem'));
  expect(await finishWiping(folder)).toBe(true);
  expect(await readdir(folder)).toEqual([]);
});

test('a folder that was not marked is left alone', async () => {
  expect(await finishWiping(folder)).toBe(false);
  expect(await readdir(folder)).toEqual(['assets', 'own-key.pem']);
});
