import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceId } from '@loalang/broker/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { readSaid, Recent, type Said } from './recent.ts';
import { makeScript } from './script.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-fuzz-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('a seed says the same again, another seed something else', () => {
  const say = (seed: string): string => makeScript(seed, deviceId(1)).bytes.toString('hex');
  expect(say('1 2 3')).toBe(say('1 2 3'));
  expect(say('1 2 4')).not.toBe(say('1 2 3'));
});

test('all roles have their turn, and so do many packets on a connection', () => {
  const scripts = Array.from({ length: 100 }, (_, index) => makeScript(`roles ${index}`, deviceId(1)));
  expect(new Set(scripts.map(({ role }) => role)).size).toBe(4);
  expect(Math.max(...scripts.map(({ mutated }) => mutated))).toBeGreaterThan(300);
});

test('what was said last can be read again', () => {
  const recent = new Recent();
  const all = Array.from({ length: 70 }, (_, index) => {
    const { role, bytes } = makeScript(`recent ${index}`, 'x');
    return { role, bytes, seed: `recent ${index}`, id: 'x' };
  });
  for (const said of all) recent.begin(said);
  for (const said of all.slice(0, 69)) recent.end(said);
  const told = (said: readonly Said[]): unknown[] =>
    said.map(({ bytes, ...rest }) => ({ ...rest, bytes: bytes.toString('base64') }));
  expect(told(readSaid(recent.toText()))).toEqual(told(all.slice(5)));
});

test('some seconds of it break nothing', { timeout: 120_000 }, async () => {
  const failureFile = join(folder, 'failure');
  const result = await fuzz({ seed: 'test', seconds: 5, failureFile });
  expect(result.failure, await readFile(failureFile, 'utf8').catch(() => '')).toBeNull();
  expect(result.read).toBeGreaterThan(1_000);
});
