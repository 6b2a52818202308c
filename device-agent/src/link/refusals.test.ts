import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  addMs,
  deviceTopic,
  streamTopic,
  type LiveStream,
  type MediaTime,
  type PlanItem,
  type RefusalReason,
} from '@loalang/shared';
import { createOpusEncoder } from '@loalang/shared/opus';
import { generateSigningKey, signAudioPacket, signJws } from '@loalang/shared/signing';
import { Agent } from '../agent.ts';
import { systemClock } from '../clock/index.ts';
import { Authority, DEVICE_ID, makeCommand, makeNow, makePlan, OTHER_ID } from '../testing/authority.ts';
import { BenchBoard, TapSink } from '../testing/bench-board.ts';
import { StandIn } from '../testing/stand-in.ts';
import { encodeAsset, sweep } from '../testing/voice.ts';

// One agent under attack by a broker that says anything: each attack is counted by its reason, and nothing sounds.

let folder: string;
let platform: StandIn;
let agent: Agent;
let authority: Authority;
let asset: { sha256: string; bytes: number };
let frames: Uint8Array[];
const sink = new TapSink(systemClock);
const streamKey = generateSigningKey();
let stream: LiveStream;
let revision = 100;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-refusals-'));
  authority = await Authority.make();
  platform = new StandIn(authority);
  await platform.startHttp();
  await platform.startBroker();
  asset = platform.addAsset(await encodeAsset(sweep(500)));
  frames = await encodeFrames(sweep(60));
  agent = new Agent({
    dataFolder: folder,
    platformUrl: platform.httpUrl,
    brokerUrl: platform.brokerUrl,
    rootKey: authority.root.public,
    joinCode: 'ABCDEFGH',
    board: new BenchBoard(),
    sink,
  });
  await agent.start();
  await platform.until('online', () => platform.statuses.length > 0);
  stream = makeStream(addMs(platform.now(), 600_000));
  const plan = { ...makePlan(0, platform.now()), revision: { epoch: 2, n: 100 } };
  await platform.tell('plan', await authority.sign('plan', plan), true);
  await platform.tell('now', await authority.sign('air', makeNow(100, platform.now(), [stream])), true);
  await platform.until('held', () => platform.statuses.at(-1)?.now?.n === 100);
  await followed(stream.id);
});

afterAll(async () => {
  await agent.close();
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  revision += 1;
});

function makeStream(expiresAt: MediaTime): LiveStream {
  return {
    id: randomBytes(16).toString('hex'),
    title: 'Trực tiếp',
    priority: 'priority',
    startAt: addMs(platform.now(), -1_000),
    latencyMs: 500,
    expiresAt,
    key: streamKey.public,
  };
}

async function encodeFrames(samples: Float32Array): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder();
  const pcm = Int16Array.from(samples, (sample) => Math.round(sample * 32_767));
  const encoded = [0, 1, 2].map((index) => encoder.encode(pcm.slice(index * 960, index * 960 + 960)));
  encoder.close();
  return encoded;
}

const refusedNow = (reason: RefusalReason): number => platform.statuses.at(-1)?.refused[reason] ?? 0;

/** An emergency that would sound at once if it were believed. */
function emergency(): PlanItem {
  const startAt = addMs(platform.now(), -100);
  const broadcastId = randomBytes(16).toString('hex');
  return { broadcastId, title: 'Giả', priority: 'emergency', startAt, durationMs: 500, asset };
}

const forged = (device = DEVICE_ID): object => ({
  ...makePlan(0, platform.now(), [emergency()], device),
  revision: { epoch: 2, n: revision },
});

function packet(
  sequence: number,
  at = addMs(platform.now(), 300),
  key = streamKey,
  id = stream.id,
): Uint8Array {
  return signAudioPacket({ sequence, mediaTime: at, isLast: false, frames }, id, key.privateKey);
}

/** Resolves once the agent has taken the subscription: the broker hands a packet on only then. */
async function followed(id: string): Promise<void> {
  while (refusedNow('malformed') === 0) {
    const heard = new Promise((resolve) => {
      platform.once('heard', resolve);
    });
    await platform.publish(streamTopic(id), 'not a packet');
    await heard;
  }
}

interface Attack {
  readonly name: string;
  readonly reason: RefusalReason;
  readonly topic?: () => string;
  readonly payload: () => Promise<string | Uint8Array> | string | Uint8Array;
}

const plan = (): string => deviceTopic(DEVICE_ID, 'plan');
const cmd = (): string => deviceTopic(DEVICE_ID, 'cmd');
const now = (): string => deviceTopic(DEVICE_ID, 'now');
const audio = (): string => streamTopic(stream.id);

function alter(jws: string): string {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const text = Buffer.from(payload, 'base64url').toString().replace('"n":', '"n":9');
  return [header, Buffer.from(text).toString('base64url'), signature].join('.');
}

const attacks: readonly Attack[] = [
  { name: 'a plan of garbage', reason: 'malformed', topic: plan, payload: () => randomBytes(300) },
  { name: 'an unsigned plan', reason: 'malformed', topic: plan, payload: () => JSON.stringify(forged()) },
  { name: 'a huge plan', reason: 'malformed', topic: plan, payload: () => Buffer.alloc(4_100_000, 'a') },
  {
    name: 'a plan signed by a key without a certificate',
    reason: 'unknown-key',
    topic: plan,
    payload: () => signJws(forged(), generateSigningKey()),
  },
  {
    name: 'a plan by a key that another root certified',
    reason: 'bad-signature',
    topic: plan,
    payload: async () => (await Authority.make()).sign('plan', forged()),
  },
  {
    name: 'an altered plan',
    reason: 'bad-signature',
    topic: plan,
    payload: async () => alter(await authority.sign('plan', forged())),
  },
  {
    name: 'a plan signed by the air key',
    reason: 'wrong-purpose',
    topic: plan,
    payload: () => authority.sign('air', forged()),
  },
  {
    name: 'a plan by a key that has expired',
    reason: 'key-expired',
    topic: plan,
    payload: async () => {
      const { key, certificate } = await authority.certified('plan', platform.now(), { lifeMs: -1_000 });
      return signJws(forged(), key, certificate);
    },
  },
  {
    name: 'the plan of another receiver',
    reason: 'wrong-device',
    topic: plan,
    payload: () => authority.sign('plan', forged(OTHER_ID)),
  },
  {
    name: 'an older plan',
    reason: 'stale',
    topic: plan,
    payload: () => {
      const older = makePlan(0, platform.now(), [emergency()]);
      return authority.sign('plan', { ...older, revision: { epoch: 2, n: 99 } });
    },
  },
  {
    name: 'a plan of an older epoch, however high its number',
    reason: 'stale',
    topic: plan,
    payload: () => authority.sign('plan', makePlan(revision, platform.now(), [emergency()])),
  },
  {
    name: 'an older state of the moment',
    reason: 'stale',
    topic: now,
    payload: () =>
      authority.sign('air', makeNow(99, platform.now(), [makeStream(addMs(platform.now(), 9e5))])),
  },
  {
    name: 'a state of the moment signed by the plan key',
    reason: 'wrong-purpose',
    topic: now,
    payload: () => authority.sign('plan', makeNow(revision, platform.now())),
  },
  {
    name: 'a command for another receiver',
    reason: 'wrong-device',
    topic: cmd,
    payload: () =>
      authority.sign('air', makeCommand(randomBytes(16).toString('hex'), platform.now(), 60_000, OTHER_ID)),
  },
  {
    name: 'an expired command',
    reason: 'expired',
    topic: cmd,
    payload: () => authority.sign('air', makeCommand(randomBytes(16).toString('hex'), platform.now(), -1)),
  },
  {
    name: 'a command signed by the plan key',
    reason: 'wrong-purpose',
    topic: cmd,
    payload: () => authority.sign('plan', makeCommand(randomBytes(16).toString('hex'), platform.now())),
  },
  {
    name: 'an acknowledgement of proofs that never were',
    reason: 'stale',
    topic: () => deviceTopic(DEVICE_ID, 'proof/ack'),
    payload: () =>
      authority.sign('plan', { type: 'proof-ack', device: DEVICE_ID, chain: '0123456789abcdef', seq: 5 }),
  },
  {
    name: 'a time that nobody asked for',
    reason: 'replayed',
    topic: () => deviceTopic(DEVICE_ID, 'clock/res'),
    payload: () => {
      const t2 = addMs(platform.now(), 3_600_000);
      const nonce = randomBytes(16).toString('base64url');
      return authority.sign('time', { type: 'clock', device: DEVICE_ID, nonce, t1: 0, t2, t3: t2 });
    },
  },
  { name: 'a packet of garbage', reason: 'malformed', topic: audio, payload: () => randomBytes(200) },
  { name: 'a huge packet', reason: 'malformed', topic: audio, payload: () => Buffer.alloc(100_000) },
  {
    name: 'a packet signed by another key',
    reason: 'bad-signature',
    topic: audio,
    payload: () => packet(1, undefined, generateSigningKey()),
  },
  {
    name: 'a packet of another stream with the same key',
    reason: 'bad-signature',
    topic: audio,
    payload: () => packet(2, undefined, streamKey, randomBytes(16).toString('hex')),
  },
  {
    name: 'an altered packet',
    reason: 'bad-signature',
    topic: audio,
    payload: () => {
      const bytes = packet(3);
      bytes[30] = (bytes[30] ?? 0) ^ 1;
      return bytes;
    },
  },
  {
    name: 'a packet for after the time box',
    reason: 'expired',
    topic: audio,
    payload: () => packet(4, addMs(stream.expiresAt, 1)),
  },
];

test.each(attacks)(
  '$name is refused as $reason, and not a sample of it sounds',
  async ({ reason, topic, payload }) => {
    const before = refusedNow(reason);
    await platform.publish(topic?.() ?? plan(), await payload());
    await platform.until(reason, () => refusedNow(reason) > before);
    expect(platform.statuses.at(-1)?.plan).toEqual({ epoch: 2, n: 100 });
    expect(platform.statuses.at(-1)?.now).toEqual({ epoch: 1, n: 100 });
    expect(platform.statuses.at(-1)?.playing).toBeNull();
    expect(sink.peak).toBe(0);
  },
);

test('a packet that comes twice is played once', async () => {
  const bytes = packet(50, addMs(platform.now(), -5_000));
  const before = refusedNow('replayed');
  await platform.publish(streamTopic(stream.id), bytes);
  await platform.publish(streamTopic(stream.id), bytes);
  await platform.until('replayed', () => refusedNow('replayed') > before);
  expect(sink.peak).toBe(0);
});

test('what is rightly announced and signed sounds', async () => {
  await platform.publish(streamTopic(stream.id), packet(60, addMs(platform.now(), 500)));
  await platform.until('playing', () =>
    platform.statuses.some(({ playing }) => playing?.broadcastId === stream.id),
  );
  expect(sink.peak).toBeGreaterThan(0.05);
});
