import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mediaTime } from '@loalang/shared';
import { hashOfProof } from './ledger-records.ts';
import { Ledger } from './ledger.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-ledger-'));
  path = join(folder, 'journal');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const idOf = (n: number): string => n.toString(16).padStart(32, '0');
const jwsOf = (n: number): string => `a.${n}.b`;

async function addProof(ledger: Ledger, n: number): Promise<void> {
  await ledger.add({ kind: 'proof', seq: n, broadcastId: idOf(n), jws: jwsOf(n) });
}

test('the chain goes on where it stood, whatever was acknowledged', async () => {
  const { ledger } = await Ledger.open(path);
  const { chain } = ledger.chain;
  await addProof(ledger, 1);
  await addProof(ledger, 2);
  await ledger.add({ kind: 'acked', seq: 2 });
  await ledger.close();
  const { ledger: again } = await Ledger.open(path);
  expect(again.chain).toEqual({ chain, seq: 2, previous: hashOfProof(jwsOf(2)) });
  expect(again.proofs).toEqual([]);
  expect(again.isProved(idOf(1))).toBe(true);
  await again.close();
});

test('proofs stay until they are acknowledged, commands until they expire, the time for good', async () => {
  const { ledger } = await Ledger.open(path);
  await addProof(ledger, 1);
  await addProof(ledger, 2);
  await ledger.add({ kind: 'acked', seq: 1 });
  await ledger.add({ kind: 'command', id: idOf(7), expiresAt: mediaTime(5_000_000) });
  await ledger.add({ kind: 'command', id: idOf(8), expiresAt: mediaTime(9_000_000) });
  await ledger.add({ kind: 'time', floor: mediaTime(42), wallMs: 1, uncertaintyUs: 3, driftPpm: -4.5 });
  await ledger.close();
  const { ledger: again } = await Ledger.open(path);
  expect(again.proofs).toEqual([{ seq: 2, broadcastId: idOf(2), jws: jwsOf(2) }]);
  expect(again.hasCommand(idOf(7))).toBe(true);
  again.forgetCommandsBefore(mediaTime(6_000_000));
  expect([again.hasCommand(idOf(7)), again.hasCommand(idOf(8))]).toEqual([false, true]);
  expect(again.time).toMatchObject({ floor: 42, driftPpm: -4.5 });
  await again.close();
});

test('the time of a journal of before, without a battery-backed clock, is read; a newer one is kept whole', async () => {
  const old = { kind: 'time' as const, floor: mediaTime(42), wallMs: 1, uncertaintyUs: 3, driftPpm: null };
  const rtc = { driftPpm: 12.5, learntS: 90_000, since: { media: mediaTime(40), rtcMs: 7 } };
  for (const record of [old, { ...old, rtc }]) {
    const { ledger } = await Ledger.open(path);
    await ledger.add(record);
    await ledger.close();
    const { ledger: again } = await Ledger.open(path);
    expect(again.time).toEqual(record);
    await again.close();
  }
});

test('the drifts of eight sound cards are kept, the newest of each', async () => {
  const { ledger } = await Ledger.open(path);
  for (let card = 0; card < 9; card += 1) {
    await ledger.add({ kind: 'card', name: `hw:${card}`, driftPpm: card });
  }
  await ledger.add({ kind: 'card', name: 'hw:3', driftPpm: -60 });
  await ledger.close();
  const { ledger: again } = await Ledger.open(path);
  expect([0, 1, 3, 8].map((card) => again.cardDriftPpm(`hw:${card}`))).toEqual([null, 1, -60, 8]);
  await again.close();
});

test('progress is kept until its proof, and does not come back after it', async () => {
  const { ledger } = await Ledger.open(path);
  const progress = {
    kind: 'progress' as const,
    broadcastId: idOf(1),
    of: 'item' as const,
    startedAt: mediaTime(1),
    soundedUntil: mediaTime(2),
  };
  await ledger.add(progress);
  expect(ledger.progress).toEqual([progress]);
  await addProof(ledger, 1);
  await ledger.add(progress);
  expect(ledger.progress).toEqual([]);
  await ledger.close();
});

test('a long journal is rewritten small, and says the same', async () => {
  const { ledger } = await Ledger.open(path);
  const jws = `a.${'x'.repeat(2_000)}.b`;
  for (let seq = 1; seq <= 200; seq += 1) {
    await ledger.add({ kind: 'proof', seq, broadcastId: idOf(seq), jws });
    if (seq > 3) await ledger.add({ kind: 'acked', seq: seq - 3 });
  }
  const { chain, proofs } = ledger;
  await ledger.close();
  expect((await stat(path)).size).toBeLessThan(300_000);
  const { ledger: again } = await Ledger.open(path);
  expect(again.chain).toEqual(chain);
  expect(again.proofs).toEqual(proofs);
  expect(again.isProved(idOf(1))).toBe(true);
  await again.close();
});

test('killed at any byte, it remembers every proof that it had promised to keep', async () => {
  const { ledger } = await Ledger.open(path);
  const sizes: number[] = [];
  for (let seq = 1; seq <= 4; seq += 1) {
    await addProof(ledger, seq);
    sizes.push((await stat(path)).size);
  }
  await ledger.close();
  const whole = await readFile(path);
  for (let length = sizes[0] ?? 0; length <= whole.length; length += 1) {
    await writeFile(path, whole.subarray(0, length));
    const { ledger: cut } = await Ledger.open(path);
    const promised = sizes.filter((size) => size <= length).length;
    expect(cut.proofs.map(({ seq }) => seq)).toEqual([1, 2, 3, 4].slice(0, promised));
    expect(cut.chain.seq).toBe(promised);
    await cut.close();
  }
});
