import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { crc32 } from './crc32.ts';
import { Journal, MAX_RECORD_BYTES, readRecords } from './journal.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-journal-'));
  path = join(folder, 'journal');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const texts = (records: readonly Uint8Array[]): string[] =>
  records.map((each) => Buffer.from(each).toString());

async function write(...records: readonly string[]): Promise<void> {
  const { journal } = await Journal.open(path);
  for (const record of records) await journal.append(Buffer.from(record));
  await journal.close();
}

async function read(): Promise<string[]> {
  const { journal, records } = await Journal.open(path);
  await journal.close();
  return texts(records);
}

test('CRC-32 is that of zlib', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
});

test('what was appended is there after a reopening', async () => {
  await write('một', 'hai', 'ba');
  expect(await read()).toEqual(['một', 'hai', 'ba']);
});

test('cut at every byte, the file gives all records before the cut, and takes new ones', async () => {
  const records = ['a', 'bc', 'def'.repeat(20), 'g'];
  await write(...records);
  const whole = await readFile(path);
  const ends = records.reduce<number[]>((all, each) => [...all, (all.at(-1) ?? 0) + 8 + each.length], []);
  for (let length = 0; length <= whole.length; length += 1) {
    await writeFile(path, whole.subarray(0, length));
    const kept = records.filter((_, index) => (ends[index] ?? 0) <= length);
    expect(await read()).toEqual(kept);
    await write('new');
    expect(await read()).toEqual([...kept, 'new']);
  }
});

test('a tail of zeros, as a power cut leaves it, is no record', async () => {
  await write('a');
  await appendFile(path, Buffer.alloc(4_096));
  const { journal, records, cutBytes } = await Journal.open(path);
  await journal.close();
  expect(texts(records)).toEqual(['a']);
  expect(cutBytes).toBe(4_096);
  expect((await stat(path)).size).toBe(9);
});

test('any bytes at all are read as records without an error, and never more than there are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const { records, goodBytes } = readRecords(bytes);
      expect(goodBytes).toBe(records.reduce((sum, each) => sum + 8 + each.byteLength, 0));
      expect(goodBytes).toBeLessThanOrEqual(bytes.byteLength);
    }),
    { seed: 3, numRuns: 500 * inject('soak') },
  );
});

test('a flipped bit anywhere ends the journal there', async () => {
  await write('first', 'second', 'third');
  const whole = await readFile(path);
  for (let offset = 0; offset < whole.length; offset += 1) {
    const altered = Buffer.from(whole);
    altered[offset] = (altered[offset] ?? 0) ^ 0x10;
    const { records } = readRecords(altered);
    expect(texts(records)).toEqual(['first', 'second', 'third'].slice(0, records.length));
    expect(records.length).toBeLessThan(3);
  }
});

test('appends that wait together keep their order, and each is told when it is durable', async () => {
  const { journal } = await Journal.open(path);
  const durable: number[] = [];
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  await Promise.all(numbers.map((each) => journal.append(Buffer.from(`${each}`), () => durable.push(each))));
  await journal.close();
  expect(durable).toEqual(numbers);
  expect(await read()).toEqual(numbers.map(String));
});

test('a compaction loses nothing that was appended around it', async () => {
  const { journal } = await Journal.open(path);
  const state: string[] = [];
  const add = (text: string): Promise<void> => journal.append(Buffer.from(text), () => state.push(text));
  const before = Array.from({ length: 20 }, (_, index) => add(`before ${index}`));
  const compacting = journal.compact(() => state.map((text) => Buffer.from(text)));
  const after = Array.from({ length: 20 }, (_, index) => add(`after ${index}`));
  await Promise.all([...before, compacting, ...after]);
  await journal.close();
  expect(await read()).toEqual(state);
  expect(state).toHaveLength(40);
});

test('a compaction that was cut off leaves the old journal', async () => {
  await write('old');
  await writeFile(`${path}.new`, 'half a fi');
  expect(await read()).toEqual(['old']);
});

test('a compaction that fails leaves nothing behind, and the journal goes on', async () => {
  const { journal } = await Journal.open(path);
  await rename(path, `${path}.aside`);
  await mkdir(path);
  await expect(journal.compact(() => [Buffer.from('new')])).rejects.toThrow();
  expect(existsSync(`${path}.new`)).toBe(false);
  await rmdir(path);
  await rename(`${path}.aside`, path);
  await journal.append(Buffer.from('more'));
  await journal.close();
  expect(await read()).toEqual(['more']);
});

test('records that are empty or too long are refused', async () => {
  const { journal } = await Journal.open(path);
  await expect(journal.append(new Uint8Array(0))).rejects.toThrow(RangeError);
  await expect(journal.append(new Uint8Array(MAX_RECORD_BYTES + 1))).rejects.toThrow(RangeError);
  await journal.close();
});

test('when more waits than is allowed, an append fails instead of growing', async () => {
  const { journal } = await Journal.open(path);
  const results = await Promise.allSettled(
    Array.from({ length: 3_000 }, (_, index) => journal.append(Buffer.from(`${index}`))),
  );
  await journal.close();
  const kept = results.filter(({ status }) => status === 'fulfilled').length;
  expect(kept).toBeLessThan(3_000);
  expect(await read()).toHaveLength(kept);
});
