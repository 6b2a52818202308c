// What a receiver says and does while its sound card is gone.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addMs } from '@loalang/shared';
import { Agent } from './agent.ts';
import { systemClock } from './clock/index.ts';
import type { OnSinkHealth, Render, Sink } from './sink/index.ts';
import { Authority, makePlan } from './testing/authority.ts';
import { BenchBoard, TapSink } from './testing/bench-board.ts';
import { StandIn } from './testing/stand-in.ts';
import { encodeAsset, sweep } from './testing/voice.ts';

/** A card that can be pulled out. */
class LooseSink implements Sink {
  readonly kind = 'loose';
  #tap = new TapSink(systemClock);
  #render: Render = () => {};
  #onHealth: OnSinkHealth = () => {};

  async start(render: Render, onHealth: OnSinkHealth): Promise<void> {
    this.#render = render;
    this.#onHealth = onHealth;
    await this.plugIn();
  }

  async plugIn(): Promise<void> {
    this.#tap = new TapSink(systemClock);
    await this.#tap.start(this.#render);
    this.#onHealth(null);
  }

  async pullOut(): Promise<void> {
    await this.#tap.close();
    this.#onHealth(new Error('pulled out'));
  }

  async close(): Promise<void> {
    await this.#tap.close();
  }
}

let folder: string;
let platform: StandIn;
let agent: Agent | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-sink-'));
  platform = new StandIn(await Authority.make());
  await platform.startHttp();
  await platform.startBroker();
});

afterEach(async () => {
  await agent?.close();
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

test('a card pulled out is a fault in the status, mutes the amplifier, and what it cost is proved meanwhile', async () => {
  const board = new BenchBoard();
  const sink = new LooseSink();
  agent = new Agent({
    dataFolder: folder,
    platformUrl: platform.httpUrl,
    brokerUrl: platform.brokerUrl,
    rootKey: platform.authority.root.public,
    joinCode: 'ABCDEFGH',
    board,
    sink,
  });
  await agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  const samples = sweep(4_000);
  const asset = platform.addAsset(await encodeAsset(samples));
  const item = {
    broadcastId: randomBytes(16).toString('hex'),
    title: '',
    priority: 'normal' as const,
    startAt: addMs(platform.now(), 1_500),
    durationMs: samples.length / 48,
    asset,
  };
  await platform.tell(
    'plan',
    await platform.authority.sign('plan', makePlan(1, platform.now(), [item])),
    true,
  );
  await platform.until('playing', () => platform.statuses.at(-1)?.playing !== null);
  await sink.pullOut();
  await platform.until('told', () => platform.statuses.at(-1)?.faults.includes('sink-failed') === true);
  expect(platform.statuses.at(-1)?.playing).toBeNull();
  await platform.until('muted', () => !board.read().isAmplifierOn);
  await platform.until('proved', () => platform.proofs.length === 1);
  expect(platform.proofs[0]).toMatchObject({ broadcastId: item.broadcastId, reason: 'sink-failed' });
  expect(platform.proofs[0]?.frames.missed).toBeGreaterThan(0);
  await sink.plugIn();
  await platform.until('well', () => platform.statuses.at(-1)?.faults.includes('sink-failed') === false);
}, 60_000);
