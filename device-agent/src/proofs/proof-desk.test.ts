import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mediaTime, proofSchema, type Proof } from '@loalang/shared';
import { generateSigningKey, readPublicKey, verifyJws } from '@loalang/shared/signing';
import type { ProofDraft } from '../playout/index.ts';
import { Ledger } from '../store/index.ts';
import { DEVICE_ID } from '../testing/authority.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { draftBrokenOff } from './broken-off.ts';
import { ProofDesk } from './proof-desk.ts';

const key = generateSigningKey();
let folder: string;
let ledger: Ledger;
let clock: HandClock;
let sent: string[];
let diskFull: boolean[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-proofs-'));
  ({ ledger } = await Ledger.open(join(folder, 'journal')));
  clock = new HandClock();
  sent = [];
  diskFull = [];
});

afterEach(async () => {
  await ledger.close();
  await rm(folder, { recursive: true, force: true });
});

function makeDesk(on: Ledger = ledger, amperes = 0.4): ProofDesk {
  return new ProofDesk({
    ledger: on,
    key,
    deviceId: DEVICE_ID,
    clock,
    random: () => 0.5,
    log: pino({ enabled: false }),
    publish: async (jws) => sent.push(jws) > 0,
    meanAmplifierA: () => amperes,
    onDiskFull: (isFull) => diskFull.push(isFull),
  });
}

function draft(n: number): ProofDraft {
  return {
    broadcastId: n.toString(16).padStart(32, '0'),
    kind: 'item',
    startedAt: mediaTime(1_000),
    endedAt: mediaTime(2_000),
    frames: { played: 50, concealed: 0, missed: 0 },
    reason: null,
    levelDbfs: -20,
  };
}

async function read(jws: string): Promise<Proof> {
  const verified = await verifyJws(jws, readPublicKey(key.public), proofSchema);
  if (!verified.ok) throw new Error(verified.reason);
  return verified.payload;
}

async function taken(desk: ProofDesk, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) desk.take(draft(n));
  while (ledger.chain.seq < count) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

test('proofs are on the disk before they are sent, sixteen at a time, and go on with the acknowledgement', async () => {
  const desk = makeDesk();
  await taken(desk, 40);
  expect(sent).toHaveLength(16);
  expect(await read(sent[2] ?? '')).toMatchObject({ device: DEVICE_ID, seq: 3, amplifierA: 0.4 });
  expect(
    await desk.acknowledge({ type: 'proof-ack', device: DEVICE_ID, chain: ledger.chain.chain, seq: 16 }),
  ).toBeNull();
  expect(sent).toHaveLength(32);
  expect(ledger.proofs).toHaveLength(24);
  await desk.close();
});

test('what is not acknowledged is sent again after half a minute, and with a new connection', async () => {
  const desk = makeDesk();
  await taken(desk, 2);
  clock.advance(30_000);
  expect(sent).toHaveLength(4);
  desk.sendAll();
  expect(sent).toHaveLength(6);
  expect(new Set(sent).size).toBe(2);
  await desk.close();
});

test('an acknowledgement of another chain, or beyond the last proof, is refused', async () => {
  const desk = makeDesk();
  await taken(desk, 1);
  const ack = { type: 'proof-ack' as const, device: DEVICE_ID, chain: ledger.chain.chain, seq: 1 };
  expect(await desk.acknowledge({ ...ack, seq: 2 })).toBe('stale');
  expect(await desk.acknowledge({ ...ack, chain: '0'.repeat(16) })).toBe('stale');
  expect(ledger.proofs).toHaveLength(1);
  await desk.close();
});

test('while the disk refuses, a proof is kept in memory and the fault is told', async () => {
  const { ledger: broken } = await Ledger.open(join(folder, 'other'));
  await broken.close();
  const desk = makeDesk(broken);
  desk.take(draft(1));
  while (diskFull.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(diskFull).toEqual([true]);
  expect(desk.isProved(draft(1).broadcastId)).toBe(true);
  await desk.close();
});

test('a measure that makes no sense costs neither the proof nor those behind it', async () => {
  const desk = makeDesk(ledger, -0.01);
  desk.take({ ...draft(9), frames: { played: -1, concealed: 0, missed: 0 } });
  await taken(desk, 2);
  expect(await read(sent[0] ?? '')).toMatchObject({
    seq: 1,
    broadcastId: draft(1).broadcastId,
    amplifierA: null,
  });
  expect(sent).toHaveLength(2);
  await desk.close();
});

test('a whole plan that was missed at once is proved', async () => {
  const desk = makeDesk();
  for (let n = 1; n <= 2_000; n += 1) desk.take(draft(n));
  expect(desk.isProved(draft(2_000).broadcastId)).toBe(true);
  await desk.close();
  expect(ledger.chain.seq).toBe(2_000);
});

test('what was heard before the power went is the proof of a broadcast that is over', () => {
  const progress = {
    kind: 'progress' as const,
    broadcastId: 'cd'.repeat(16),
    of: 'stream' as const,
    startedAt: mediaTime(1_000_000),
    soundedUntil: mediaTime(3_000_000),
    frames: { played: 90.4, concealed: 5, missed: 4.6 },
  };
  expect(draftBrokenOff(progress, undefined)).toEqual({
    broadcastId: progress.broadcastId,
    kind: 'stream',
    startedAt: progress.startedAt,
    endedAt: progress.soundedUntil,
    frames: { played: 90, concealed: 5, missed: 5 },
    reason: 'powered-off',
    levelDbfs: null,
  });
});
