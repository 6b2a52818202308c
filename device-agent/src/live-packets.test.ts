import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  CANDIDATE_LATENCIES_MS,
  addMs,
  deviceTopic,
  encodeRepairAnswer,
  streamTopic,
  type LiveStream,
  type RefusalReason,
  type RepairRequest,
} from '@loalang/shared';
import { createOpusEncoder } from '@loalang/shared/opus';
import { generateSigningKey, signAudioPacket } from '@loalang/shared/signing';
import { Agent } from './agent.ts';
import { systemClock, type MonotonicClock, type Timer } from './clock/index.ts';
import type { AgentOptions } from './options.ts';
import { Authority, DEVICE_ID, makeNow } from './testing/authority.ts';
import { BenchBoard, TapSink } from './testing/bench-board.ts';
import { StandIn } from './testing/stand-in.ts';
import { sweep } from './testing/voice.ts';

// A whole receiver hears a live stream over a link that breaks. Real time, real broker, real signatures.

const LATENCY_MS = 1_200;
const PACKET_MS = 60;
const PACKETS = 50;

let folder: string;
let platform: StandIn;
let agent: Agent | null = null;
let timers: Timer[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-live-'));
  platform = new StandIn(await Authority.make());
  await platform.startHttp();
  await platform.startBroker();
  timers = [];
});

afterEach(async () => {
  timers.forEach((timer) => timer.cancel());
  await agent?.close();
  agent = null;
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

async function startAgent(options: Partial<AgentOptions> = {}): Promise<void> {
  agent = new Agent({
    dataFolder: folder,
    platformUrl: platform.httpUrl,
    brokerUrl: platform.brokerUrl,
    rootKey: platform.authority.root.public,
    joinCode: 'ABCDEFGH',
    board: new BenchBoard(),
    sink: new TapSink(systemClock),
    // It connects again half a second after a break, as soon as it ever does.
    random: () => 0,
    ...options,
  });
  await agent.start();
  await platform.until('in step', () => platform.statuses.at(-1)?.clock.state === 'in-step');
}

interface Voice {
  readonly stream: LiveStream;
  readonly packets: readonly Uint8Array[];
  /** Media time at which the packet of a number is published. */
  readonly sentAt: (index: number) => number;
}

/** Three seconds of a stream, announced to the receiver and published in real time. */
async function speak(): Promise<Voice> {
  const key = generateSigningKey();
  // A second is enough to subscribe in, on a busy machine too.
  const startAt = addMs(platform.now(), 1_000);
  const stream: LiveStream = {
    id: randomBytes(16).toString('hex'),
    title: 'Trực tiếp',
    priority: 'priority',
    startAt,
    latencyMs: LATENCY_MS,
    expiresAt: addMs(startAt, 60_000),
    key: key.public,
  };
  const frames = await encode(sweep(PACKETS * PACKET_MS));
  const packets = Array.from({ length: PACKETS }, (_, index) => {
    const sequence = 3 * index;
    const mediaTime = addMs(startAt, LATENCY_MS + index * PACKET_MS);
    const isLast = index === PACKETS - 1;
    const some = frames.slice(sequence, sequence + 3);
    return signAudioPacket({ sequence, mediaTime, isLast, frames: some }, stream.id, key.privateKey);
  });
  await platform.tell(
    'now',
    await platform.authority.sign('air', makeNow(1, platform.now(), [stream])),
    true,
  );
  const sentAt = (index: number): number => addMs(startAt, index * PACKET_MS);
  packets.forEach((packet, index) => {
    later(sentAt(index), () => void platform.publish(streamTopic(stream.id), packet));
  });
  return { stream, packets, sentAt };
}

function later(at: number, act: () => void): void {
  timers.push(systemClock.after(Math.max(0, (at - platform.now()) / 1000), act));
}

async function encode(samples: Float32Array): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder();
  const pcm = Int16Array.from(samples, (sample) => Math.round(sample * 32_767));
  const frames = Array.from({ length: pcm.length / 960 }, (_, index) =>
    encoder.encode(pcm.subarray(index * 960, index * 960 + 960)),
  );
  encoder.close();
  return frames;
}

/** As the platform does: the packets that are asked for, of those that were published. */
function answerFrom({ packets, sentAt }: Voice): (request: RepairRequest) => Uint8Array[] {
  return ({ missing }) =>
    packets.filter((_, index) => {
      const isSent = sentAt(index) <= platform.now();
      return isSent && missing.some((range) => isIn(range, 3 * index));
    });
}

function isIn({ sequence, frames }: { sequence: number; frames: number }, first: number): boolean {
  return first < sequence + frames && sequence < first + 3;
}

const refused = (reason: RefusalReason): number => platform.statuses.at(-1)?.refused[reason] ?? 0;

/** After a second the link breaks for 700 ms. */
function breakLink({ sentAt }: Voice): void {
  later(sentAt(17), () => platform.beginOutage());
  later(sentAt(17) + 700_000, () => platform.endOutage());
}

test('an outage of 700 ms of a stream of 1.2 s costs nothing', async () => {
  await startAgent();
  const voice = await speak();
  platform.onRepair = answerFrom(voice);
  breakLink(voice);
  await platform.until('proved', () => platform.proofs.length > 0);
  expect(platform.proofs[0]).toMatchObject({
    broadcastId: voice.stream.id,
    frames: { played: 150, concealed: 0, missed: 0 },
    reason: null,
  });
  expect(platform.statuses.at(-1)?.refused).toEqual({});
  const asked = platform.repairRequests.flatMap(({ missing }) => missing);
  expect(asked.reduce((sum, { frames }) => sum + frames, 0)).toBeLessThan(150);
});

test('what was lost is asked for before anything else is said on the new connection', async () => {
  await startAgent();
  const voice = await speak();
  platform.onRepair = answerFrom(voice);
  breakLink(voice);
  let before = 0;
  later(voice.sentAt(17) + 690_000, () => (before = platform.topics.length));
  await platform.until('asked', () => platform.repairRequests.length > 0);
  expect(platform.topics[before]).toBe(deviceTopic(DEVICE_ID, 'repair'));
});

test('without repair the same outage is heard', async () => {
  await startAgent({ asksRepair: false });
  const voice = await speak();
  platform.onRepair = answerFrom(voice);
  breakLink(voice);
  await platform.until('proved', () => platform.proofs.length > 0);
  const { played, concealed, missed } = platform.proofs[0]?.frames ?? { played: 0, concealed: 0, missed: 0 };
  expect(played + concealed + missed).toBe(150);
  expect(concealed + missed).toBeGreaterThanOrEqual(30);
  expect(platform.repairRequests).toEqual([]);
});

test('who comes in the middle gets what can still be played before the first packet', async () => {
  const voice = await speak();
  platform.onRepair = answerFrom(voice);
  // When it starts, fifteen packets were published, and none has to be heard yet.
  await new Promise<void>((resolve) => later(voice.sentAt(15), resolve));
  await startAgent();
  await platform.until('proved', () => platform.proofs.length > 0);
  expect(platform.repairRequests[0]?.missing[0]?.frames).toBeGreaterThan(0);
  const { played, concealed, missed } = platform.proofs[0]?.frames ?? { played: 0, concealed: 0, missed: 0 };
  expect(played + concealed + missed).toBe(150);
  expect(concealed).toBe(0);
  expect(played).toBeGreaterThan((PACKETS - 15) * 3);
});

test('tells how late packets were when the stream has ended', async () => {
  await startAgent();
  const voice = await speak();
  await platform.until('told', () => platform.lateness.length > 0);
  const [report] = platform.lateness;
  expect(report?.streamId).toBe(voice.stream.id);
  expect(report?.packets).toBeGreaterThan(PACKETS / 2);
  expect(report?.packets).toBeLessThanOrEqual(PACKETS);
  expect(report?.late.length).toBeLessThan(CANDIDATE_LATENCIES_MS.length);
});

test('hostile answers are refused and counted, and the stream sounds as it should', async () => {
  await startAgent();
  const voice = await speak();
  const other = '0'.repeat(32);
  const tell = async (streamId: string, packet: Uint8Array): Promise<void> =>
    await platform.publish(deviceTopic(DEVICE_ID, 'repair/res'), encodeRepairAnswer({ streamId, packet }));
  platform.onRepair = ({ streamId, missing }) => {
    const wanted = answerFrom(voice)({ streamId, missing });
    // Altered ones of what was asked for come first, from a broker that wants to be believed.
    return [...wanted.map(alter), ...wanted];
  };
  breakLink(voice);
  await platform.until('asked', () => platform.repairRequests.length > 0);
  const [first = new Uint8Array()] = voice.packets;
  for (let count = 0; count < 2_000; count += 1) await tell(voice.stream.id, first);
  await tell(other, first);
  await platform.publish(deviceTopic(DEVICE_ID, 'repair/res'), Buffer.alloc(20_000));
  await platform.publish(deviceTopic(DEVICE_ID, 'repair/res'), Buffer.alloc(10));
  await platform.until('proved', () => platform.proofs.length > 0);
  await platform.until('counted', () => refused('malformed') >= 2 && refused('replayed') >= 2_000);
  expect(refused('not-announced')).toBe(1);
  expect(refused('bad-signature')).toBeGreaterThanOrEqual(10);
  expect(platform.proofs[0]?.frames).toEqual({ played: 150, concealed: 0, missed: 0 });
});

function alter(packet: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(packet);
  bytes[30] = (bytes[30] ?? 0) ^ 1;
  return bytes;
}

/** Real time, of which is known what is still asked for. */
class WatchedClock implements MonotonicClock {
  readonly waiting = new Set<Timer>();
  onAsked: () => void = () => undefined;

  nowUs(): number {
    return systemClock.nowUs();
  }

  after(ms: number, fn: () => void): Timer {
    this.onAsked();
    const ringing = systemClock.after(ms, () => {
      this.waiting.delete(timer);
      fn();
    });
    const timer: Timer = {
      cancel: () => {
        this.waiting.delete(timer);
        ringing.cancel();
      },
    };
    this.waiting.add(timer);
    return timer;
  }
}

test('nothing goes on once it is closed, though packets come until the last moment', async () => {
  const clock = new WatchedClock();
  await startAgent({ clock });
  const { stream, packets, sentAt } = await speak();
  await new Promise<void>((resolve) => later(sentAt(10), resolve));
  // While it says goodbye a packet comes that it has not seen yet.
  const rest = packets.slice(30);
  clock.onAsked = () => {
    const packet = rest.shift();
    if (packet !== undefined) void platform.publish(streamTopic(stream.id), packet);
  };
  await agent?.close();
  expect(clock.waiting.size).toBe(0);
});
