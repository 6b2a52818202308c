import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addMs, type MediaTime, type PlanItem } from '@loalang/shared';
import { openOggOpus } from '@loalang/shared/ogg';
import { Agent } from './agent.ts';
import { systemClock } from './clock/index.ts';
import { hashOfProof } from './store/ledger-records.ts';
import { Authority, DEVICE_ID, makeCommand, makeNow, makePlan } from './testing/authority.ts';
import { BenchBoard, TapSink } from './testing/bench-board.ts';
import { StandIn } from './testing/stand-in.ts';
import { bestCorrelation, encodeAsset, rms, sweep } from './testing/voice.ts';

let folder: string;
let platform: StandIn;
const agents: Agent[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-agent-'));
  platform = new StandIn(await Authority.make());
  await platform.startHttp();
  await platform.startBroker();
});

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close();
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

function makeAgent(): { agent: Agent; board: BenchBoard; sink: TapSink } {
  const board = new BenchBoard();
  const sink = new TapSink(systemClock);
  const agent = new Agent({
    dataFolder: folder,
    platformUrl: platform.httpUrl,
    brokerUrl: platform.brokerUrl,
    rootKey: platform.authority.root.public,
    joinCode: 'ABCDEFGH',
    board,
    sink,
  });
  agents.push(agent);
  return { agent, board, sink };
}

async function planItem(samples: Float32Array, startAt: MediaTime): Promise<PlanItem> {
  return {
    broadcastId: randomBytes(16).toString('hex'),
    title: 'Bản tin sáng',
    priority: 'normal',
    startAt,
    durationMs: samples.length / 48,
    asset: platform.addAsset(await encodeAsset(samples)),
  };
}

async function sendPlan(n: number, items: readonly PlanItem[], acousticOffsetMs = 0): Promise<void> {
  const plan = { ...makePlan(n, platform.now(), items), acousticOffsetMs };
  await platform.tell('plan', await platform.authority.sign('plan', plan), true);
}

/** The monotonic moment of a media time, by the test's own clock: the platform's. */
function monotonicUs(at: MediaTime): number {
  return systemClock.nowUs() + (at - platform.now());
}

/**
 * All of it is heard within 20 ms of its moment. Compared tenth by tenth of a second: a receiver that is seconds old still
 * slews by parts of a millisecond, which over the whole of a sweep up to 2 kHz would pass for another sound. One tenth may
 * hold the fade with which a young clock is set.
 */
function expectHeard(sink: TapSink, samples: Float32Array, startUs: number): void {
  const heard = sink.heard(startUs - 20_000, samples.length / 48 + 40);
  let unlike = 0;
  for (let at = 0; at + 4_800 <= samples.length; at += 4_800) {
    const window = heard.subarray(at, at + 4_800 + 1_920);
    const { value, shift } = bestCorrelation(samples.subarray(at, at + 4_800), window, 1_919);
    if (value <= 0.9) unlike += 1;
    expect(value).toBeGreaterThan(0.6);
    expect(Math.abs(shift - 960) / 48).toBeLessThan(20);
  }
  expect(unlike).toBeLessThanOrEqual(1);
}

test('closed while it is still starting, it ends for good', async () => {
  const { agent, sink } = makeAgent();
  const starting = agent.start();
  await agent.close();
  await starting;
  const rendered = sink.blocks.length;
  await new Promise((resolve) => systemClock.after(100, () => resolve(null)));
  expect(sink.blocks).toHaveLength(rendered);
  expect(agent.isOnline).toBe(false);
});

test('a receiver joins, fetches what it is to play, plays it on time, proves it and is acknowledged', async () => {
  const { agent, board, sink } = makeAgent();
  await agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const samples = sweep(1_500);
  const item = await planItem(samples, addMs(platform.now(), 3_500));
  const startUs = monotonicUs(item.startAt);
  await sendPlan(1, [item]);
  await platform.until('cached', () => platform.statuses.at(-1)?.cached.includes(item.broadcastId) === true);
  await platform.until('playing', () => platform.statuses.at(-1)?.playing?.broadcastId === item.broadcastId);
  expect(board.isAmplifierOn).toBe(true);
  await platform.until('proved', () => platform.proofs.length > 0);
  expectHeard(sink, samples, startUs);
  const [proof] = platform.proofs;
  expect(proof).toMatchObject({
    device: DEVICE_ID,
    seq: 1,
    previous: '',
    broadcastId: item.broadcastId,
    kind: 'item',
    frames: { played: 75, concealed: 0, missed: 0 },
    reason: null,
    amplifierA: 0.5,
  });
  await platform.until('silent', () => platform.statuses.at(-1)?.board.isAmplifierOn === false);
  expect(board.switchings).toEqual([true, false]);
  await platform.until('in step', () => platform.statuses.at(-1)?.clock.state === 'in-step');
  const last = platform.statuses.at(-1);
  expect(last).toMatchObject({
    device: DEVICE_ID,
    plan: { epoch: 1, n: 1 },
    playing: null,
    faults: [],
    refused: {},
  });
});

test('with the broker gone a receiver plays what it holds, and proves it when the broker is back', async () => {
  const { agent, sink } = makeAgent();
  await agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const samples = sweep(1_000);
  const item = await planItem(samples, addMs(platform.now(), 3_500));
  const startUs = monotonicUs(item.startAt);
  await sendPlan(1, [item]);
  await platform.until('cached', () => platform.statuses.at(-1)?.cached.includes(item.broadcastId) === true);
  await platform.stopBroker();
  await waitFor(agent, addMs(item.startAt, 1_300));
  await platform.startBroker();
  await platform.until('proved', () => platform.proofs.length > 0, 25_000);
  expectHeard(sink, samples, startUs);
  expect(platform.proofs[0]?.frames).toEqual({ played: 50, concealed: 0, missed: 0 });
});

test('a receiver restarted in the middle goes on where the clock says, with its platform and its broker away', async () => {
  const first = makeAgent();
  await first.agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const samples = sweep(4_000);
  const item = await planItem(samples, addMs(platform.now(), 3_500));
  const startUs = monotonicUs(item.startAt);
  await sendPlan(1, [item]);
  await platform.until('playing', () => platform.statuses.at(-1)?.playing?.broadcastId === item.broadcastId);
  await platform.stopBroker();
  platform.answersTime = false;
  await first.agent.close();
  await waitUntil(addMs(item.startAt, 1_500));
  const second = makeAgent();
  await second.agent.start();
  await waitFor(second.agent, addMs(item.startAt, 4_300));
  const late = samples.subarray(3_000 * 48, 4_000 * 48);
  expectHeard(second.sink, late, startUs + 3_000_000);
  platform.answersTime = true;
  await platform.startBroker();
  await platform.until('proved', () => platform.proofs.length > 0, 25_000);
  const [proof] = platform.proofs;
  expect(proof?.startedAt).toBeLessThan(addMs(item.startAt, 100));
  expect(proof?.frames.played).toBeGreaterThan(100);
  expect(proof?.frames.played).toBeLessThan(200);
  expect(proof?.reason).toBe('powered-off');
});

test('a receiver sounds as much later as its signed plan says, also after a restart; an unsigned plan changes nothing', async () => {
  const first = makeAgent();
  await first.agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const samples = sweep(1_000);
  // Late enough for the clock of the second start to have settled.
  const item = await planItem(samples, addMs(platform.now(), 9_000));
  const startUs = monotonicUs(item.startAt);
  await sendPlan(1, [item], 700);
  await platform.until('cached', () => platform.statuses.at(-1)?.cached.includes(item.broadcastId) === true);
  const [header, , signature] = (
    await platform.authority.sign('plan', makePlan(2, platform.now(), [item]))
  ).split('.');
  const forged = { ...makePlan(2, platform.now(), [item]), acousticOffsetMs: 100 };
  const body = Buffer.from(JSON.stringify(forged)).toString('base64url');
  await platform.tell('plan', `${header}.${body}.${signature}`, true);
  await first.agent.close();
  const { agent, sink } = makeAgent();
  await agent.start();
  await platform.until('proved', () => platform.proofs.length > 0, 25_000);
  expectHeard(sink, samples, startUs + 700_000);
  expect(platform.proofs[0]?.startedAt).toBeGreaterThan(addMs(item.startAt, 690));
  expect(platform.statuses.at(-1)?.plan).toEqual({ epoch: 1, n: 1 });
});

test('proofs are chained, and sent again after a restart until the platform has signed that it has them', async () => {
  platform.acknowledges = false;
  const first = makeAgent();
  await first.agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const items = [
    await planItem(sweep(200), addMs(platform.now(), 800)),
    await planItem(sweep(200), addMs(platform.now(), 1_200)),
  ];
  await sendPlan(1, items);
  await platform.until('two proofs', () => platform.proofs.length === 2);
  expect(platform.proofs[1]?.previous).toBe(hashOfProof(platform.proofJws[0] ?? ''));
  await first.agent.close();
  platform.proofs.length = 0;
  platform.acknowledges = true;
  const second = makeAgent();
  await second.agent.start();
  await platform.until('sent again', () => platform.proofs.length === 2);
  // What the first had still under way may come before what the second sends.
  expect(platform.proofs.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual([1, 2]);
});

test('items that passed while the receiver was off are proved as missed, once', async () => {
  const first = makeAgent();
  await first.agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const item = await planItem(sweep(300), addMs(platform.now(), 2_500));
  await sendPlan(1, [item]);
  await platform.until('plan held', () => platform.statuses.at(-1)?.plan !== null);
  await first.agent.close();
  await waitUntil(addMs(item.startAt, 400));
  const second = makeAgent();
  await second.agent.start();
  await platform.until('proved', () => platform.proofs.length > 0);
  expect(platform.proofs).toHaveLength(1);
  expect(platform.proofs[0]).toMatchObject({
    broadcastId: item.broadcastId,
    startedAt: null,
    frames: { played: 0, concealed: 0, missed: 15 },
    reason: 'powered-off',
  });
});

test('what is heard can be listened to', async () => {
  const { agent } = makeAgent();
  await agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const samples = sweep(2_000);
  const item = await planItem(samples, addMs(platform.now(), 3_500));
  await sendPlan(1, [item]);
  await platform.until('in step', () => platform.statuses.at(-1)?.clock.state === 'in-step');
  const id = randomBytes(16).toString('hex');
  const command = makeCommand(id, platform.now());
  const act = { kind: 'listen' as const, from: addMs(item.startAt, 500), durationMs: 1_000 };
  await platform.tell('cmd', await platform.authority.sign('air', { ...command, act }));
  await platform.until('answered', () => platform.results.length > 0);
  expect(platform.results[0]).toEqual({ type: 'command-result', device: DEVICE_ID, id, outcome: 'done' });
  const bytes = platform.recordings.get(id) ?? Buffer.alloc(0);
  const reader = openOggOpus({
    size: bytes.length,
    readAt: (offset, length) => bytes.subarray(offset, offset + length),
  });
  expect(reader.info.totalSamples).toBe(48_000);
  await platform.tell('cmd', await platform.authority.sign('air', { ...command, act }));
  await platform.until('refused', () => platform.statuses.at(-1)?.refused.replayed === 1);
  expect(platform.results).toHaveLength(1);
});

test('the code is shown again and again until an officer confirms it', async () => {
  platform.isConfirmed = false;
  const { agent } = makeAgent();
  await agent.start();
  await platform.until('asked', () => platform.joinRequests > 0);
  expect(agent.deviceId).toBeNull();
  platform.isConfirmed = true;
  await platform.until('online', () => platform.statuses.length > 0);
  expect(agent.deviceId).toBe(DEVICE_ID);
});

test('each connection shows a fresh token', async () => {
  const { agent } = makeAgent();
  await agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  await platform.stopBroker();
  await platform.startBroker();
  const seen = platform.statuses.length;
  await platform.until('online again', () => platform.statuses.length > seen);
  const passwords = platform.signIns.map(({ password }) => password);
  expect(new Set(passwords).size).toBe(passwords.length);
  expect(passwords.length).toBeGreaterThan(1);
});

test('a muted receiver stays silent and says so', async () => {
  const { agent, sink } = makeAgent();
  await agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const now = { ...makeNow(1, platform.now()), isMuted: true };
  await platform.tell('now', await platform.authority.sign('air', now), true);
  const item = await planItem(sweep(300), addMs(platform.now(), 700));
  await sendPlan(1, [item]);
  await platform.until('proved', () => platform.proofs.length > 0);
  expect(platform.proofs[0]?.reason).toBe('muted');
  expect(rms(sink.heard(monotonicUs(item.startAt), 300))).toBe(0);
});

/** Resolves when the platform's clock has reached a moment, on the clock's own timer. */
async function waitUntil(at: MediaTime): Promise<void> {
  await new Promise<void>((resolve) => {
    systemClock.after(Math.max(0, (at - platform.now()) / 1000), resolve);
  });
}

async function waitFor(agent: Agent, at: MediaTime): Promise<void> {
  await waitUntil(at);
  expect(agent.mediaTimeAt(systemClock.nowUs())).not.toBeNull();
}
