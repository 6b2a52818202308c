import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addMs, fromUnixMs, type BroadcastDetail, type CellState } from '@loalang/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Operator } from './operator.ts';
import { makeSpeech } from './speech.ts';
import { processOf, startSystem, type System } from './system.ts';

let folder: string;
let system: System;
let operator: Operator;
let audioId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-broker-'));
  const mp3 = join(folder, 'thong-bao.mp3');
  makeSpeech(mp3);
  system = await startSystem();
  operator = await Operator.signIn(system);
  audioId = await operator.upload(mp3);
});
afterAll(async () => {
  await system?.close();
  await rm(folder, { recursive: true, force: true });
});

const POLL = { timeout: 120_000, interval: 200 };
const statesOf = ({ cells }: BroadcastDetail): CellState[] => cells.map(({ state }) => state);

function killBroker(): void {
  process.kill(processOf(system, 'broker/src/main.ts'), 'SIGKILL');
}

async function seeState(id: string, state: CellState): Promise<void> {
  await expect.poll(async () => statesOf(await operator.detail(id)), POLL).toContain(state);
}

async function seePlayedWhole(id: string): Promise<void> {
  await expect.poll(async () => statesOf(await operator.detail(id)), POLL).toEqual(['played', 'played']);
  const { receipts } = await operator.detail(id);
  expect(receipts.map(({ missedMs }) => missedMs)).toEqual([0, 0]);
}

test(
  'the broker is killed while something plays and while it is proved: what was planned meanwhile is played, and all is proved',
  { timeout: 300_000 },
  async () => {
    const common = { audioId, title: 'Thông báo', priority: 'normal' as const };
    const playing = await operator.broadcast({ ...common, unitIds: ['yen-the'], startAt: null });
    await seeState(playing.id, 'playing');
    killBroker();
    const startAt = addMs(fromUnixMs(Date.now()), 30_000);
    const planned = await operator.broadcast({ ...common, unitIds: ['an-lac'], startAt });
    await seePlayedWhole(playing.id);
    await seeState(planned.id, 'playing');
    const endsInMs = planned.endAt / 1000 - Date.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, endsInMs)));
    killBroker();
    await seePlayedWhole(planned.id);
  },
);
