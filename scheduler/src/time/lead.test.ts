import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lead } from './lead.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lead-'))));
afterAll(async () => await rm(folder, { recursive: true }));

const never = new AbortController().signal;

test('one has the lead of a folder; when it ends, one of those who wait takes it', async () => {
  const [first, ...others] = [new Lead(folder), new Lead(folder), new Lead(folder)];
  expect(await first?.take(never)).toBe(true);
  const leading: Lead[] = [];
  const waiting = others.map(async (lead) => {
    expect(await lead.take(never)).toBe(true);
    leading.push(lead);
  });
  expect(leading).toHaveLength(0);
  first?.close();
  await Promise.race(waiting);
  expect(leading).toHaveLength(1);
  leading[0]?.close();
  await Promise.all(waiting);
  leading[1]?.close();
});

test('who waits can give up', async () => {
  const holder = new Lead(folder);
  await holder.take(never);
  const ended = new AbortController();
  const waiting = new Lead(folder).take(ended.signal);
  ended.abort();
  expect(await waiting).toBe(false);
  holder.close();
});

test('who is closed while it takes the lead does not keep it', async () => {
  const closed = new Lead(folder);
  const ended = new AbortController();
  const taking = closed.take(ended.signal);
  ended.abort();
  closed.close();
  expect(await taking).toBe(false);
  const next = new Lead(folder);
  expect(await next.take(AbortSignal.timeout(5_000))).toBe(true);
  next.close();
});
