import {
  decodeRepairAnswer,
  readPacketEnd,
  type AudioPacket,
  type LiveStream,
  type Person,
} from '@loalang/shared';
import { createOpusDecoder, createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import { readPublicKey, verifyAudioPacket } from '@loalang/shared/signing';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schema } from '../database/index.ts';
import { Centre } from '../testing/centre.ts';
import type { TestReceiver } from '../testing/test-receiver.ts';
import type { LiveSession } from './index.ts';

const centre = new Centre();
let district: Person;
let anLac: Person;
let opusFrames: Uint8Array[];

beforeAll(async () => {
  await centre.start({ latencyMs: 400 });
  district = await centre.person('huyen', 'district');
  anLac = await centre.person('an-lac', 'an-lac');
  const encoder = await createOpusEncoder();
  opusFrames = Array.from({ length: 9 }, (_, index) => encoder.encode(tone(index)));
  encoder.close();
});
afterAll(async () => await centre.close());

function tone(index: number): Int16Array {
  const step = (2 * Math.PI * 440) / 48_000;
  return Int16Array.from({ length: FRAME_SAMPLES }, (_, n) =>
    Math.round(9_000 * Math.sin(step * (index * FRAME_SAMPLES + n))),
  );
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}

async function goLive(
  person: Person,
  unitIds: string[],
  codec: 'opus' | 'pcm' = 'opus',
): Promise<LiveSession> {
  return await centre.scheduler.air.goLive(person, { type: 'start', title: 'Nói trực tiếp', unitIds, codec });
}

async function announced(receiver: TestReceiver, session: LiveSession): Promise<LiveStream> {
  const isIt = (stream: LiveStream): boolean => stream.id === session.streamId;
  const now = await receiver.nows.find('the announcement', ({ streams }) => streams.some(isIt));
  const stream = now.streams.find(isIt);
  if (stream === undefined) throw new Error('not announced');
  return stream;
}

/** Waits for the packet that ends the stream, and reads all of them. */
async function packetsOf(receiver: TestReceiver, { id, key }: LiveStream): Promise<AudioPacket[]> {
  const read = (bytes: Uint8Array): AudioPacket | null => {
    const verified = verifyAudioPacket(bytes, id, readPublicKey(key));
    return verified.ok ? verified.packet : null;
  };
  await receiver.packets.find('the last packet', (bytes) => read(bytes)?.isLast ?? false);
  return receiver.packets.all.map(read).filter((packet) => packet !== null);
}

test('what is spoken arrives signed by the announced key, numbered and stamped without a gap', async () => {
  const session = await goLive(district, ['an-lac']);
  expect(session).toMatchObject({ latencyMs: 400, deviceCount: 2 });
  const receiver = centre.receiver(0);
  const stream = await announced(receiver, session);
  await receiver.hear(stream.id);
  const spokenAt = centre.scheduler.clock.now();
  session.pushFrames(opusFrames.slice(0, 3));
  session.pushFrames(opusFrames.slice(3, 6));
  session.pushFrames(opusFrames.slice(6, 8));
  await session.end();
  const packets = await packetsOf(receiver, stream);
  expect(packets.map(({ sequence, frames, isLast }) => [sequence, frames.length, isLast])).toEqual([
    [0, 3, false],
    [3, 3, false],
    [6, 2, true],
  ]);
  const [start = 0] = packets.map(({ mediaTime }) => mediaTime);
  expect(packets.map(({ mediaTime }) => mediaTime - start)).toEqual([0, 60_000, 120_000]);
  expect(start - spokenAt).toBeGreaterThanOrEqual(400_000);
  expect(start - spokenAt).toBeLessThan(600_000);
  expect(packets.flatMap(({ frames }) => frames.map((frame) => Buffer.from(frame)))).toEqual(
    opusFrames.slice(0, 8).map((frame) => Buffer.from(frame)),
  );
  expect(centre.receiver(2).nows.all.some(({ streams }) => streams.length > 0)).toBe(false);
  await receiver.nows.find(
    'the withdrawal',
    (now) => now === receiver.nows.all.at(-1) && now.streams.length === 0,
  );
  const detail = await centre.scheduler.broadcasts.detail(district, session.broadcastId);
  expect(detail).toMatchObject({ kind: 'live', priority: 'priority', audioId: null });
  expect(detail.stoppedAt).toBe(detail.endAt);
  expect(detail.endAt).toBe(readPacketEnd(receiver.packets.all.at(-1) ?? new Uint8Array()));
});

test('samples of a browser without an Opus encoder are encoded here', async () => {
  const session = await goLive(district, ['mai-son'], 'pcm');
  const receiver = centre.receiver(2);
  const stream = await announced(receiver, session);
  await receiver.hear(stream.id);
  for (let index = 0; index < 9; index += 1) session.pushPcm(tone(index));
  await session.end();
  const frames = (await packetsOf(receiver, stream)).flatMap((packet) => packet.frames);
  const decoder = await createOpusDecoder();
  const heard = frames.map((frame) => decoder.decode(frame));
  decoder.close();
  expect(rms(heard[8] ?? new Float32Array(960))).toBeCloseTo(9_000 / 32_768 / Math.SQRT2, 1);
  // The frame that carries the end where nothing else is left: silence.
  expect(heard).toHaveLength(10);
});

test('a receiver has one microphone at a time; when that has ended it may be taken', async () => {
  const session = await goLive(anLac, ['an-lac']);
  await expect(goLive(district, ['an-lac', 'mai-son'])).rejects.toMatchObject({
    code: 'LIVE_BUSY',
    details: { person: 'an-lac' },
  });
  await session.end();
  const next = await goLive(district, ['an-lac']);
  await next.end();
});

test('stop all ends the microphone at once, tells the speaker, and names the broadcast to the receivers', async () => {
  const session = await goLive(anLac, ['an-lac']);
  const reason = new Promise((resolve) => session.onEnded(resolve));
  const stopped = await centre.scheduler.broadcasts.stopAll(anLac);
  expect(stopped).toEqual({ stopped: [session.broadcastId], deviceCount: 2 });
  await expect(reason).resolves.toBe('stopped');
  const now = await centre
    .receiver(0)
    .nows.find('the stop', ({ stopped: ids }) => ids.includes(session.broadcastId));
  expect(now.streams).toEqual([]);
  session.pushFrames(opusFrames);
  await session.end();
});

test('a stop of one commune leaves the rest of a microphone of the district on air', async () => {
  const session = await goLive(district, ['an-lac', 'mai-son']);
  await announced(centre.receiver(2), session);
  await centre.scheduler.broadcasts.stop(anLac, session.broadcastId);
  await centre.receiver(1).nows.find('the stop', ({ stopped }) => stopped.includes(session.broadcastId));
  const ofMaiSon = centre.receiver(2).nows.all.at(-1);
  expect(ofMaiSon?.streams.map(({ id }) => id)).toContain(session.streamId);
  const own = await goLive(anLac, ['an-lac']);
  await own.end();
  await session.end();
});

test('a microphone that a crash left open is closed by the next start, and its announcement withdrawn', async () => {
  const session = await goLive(district, ['mai-son']);
  await announced(centre.receiver(2), session);
  const before = centre.receiver(2).nows.all.length;
  // As after a kill: the rows say that it is on air, and no process has the session.
  const { broadcasts, devices } = schema;
  const states = await centre.db.select({ id: devices.id, nowJws: devices.nowJws }).from(devices);
  await centre.stopScheduler();
  await centre.db.update(broadcasts).set({ stoppedAt: null, endAt: session.endsAt });
  for (const { id, nowJws } of states)
    await centre.db.update(devices).set({ nowJws }).where(eq(devices.id, id));
  await centre.startScheduler();
  await centre
    .receiver(2)
    .nows.find(
      'the withdrawal',
      (now) => centre.receiver(2).nows.all.indexOf(now) >= before && now.streams.length === 0,
    );
  const detail = await centre.scheduler.broadcasts.detail(district, session.broadcastId);
  expect(detail.stoppedAt).not.toBeNull();
  expect(detail.endAt).toBeLessThanOrEqual(centre.scheduler.clock.now());
});

test('a receiver that missed packets gets those that can still be heard, whole, and no others', async () => {
  const session = await goLive(district, ['mai-son']);
  const receiver = centre.receiver(2);
  const stream = await announced(receiver, session);
  session.pushFrames(opusFrames.slice(0, 9));
  const ask = async (missing: { sequence: number; frames: number }[]): Promise<void> =>
    await receiver.publish('repair', JSON.stringify({ streamId: stream.id, missing }));
  await ask([{ sequence: 100, frames: 50 }]);
  await ask([{ sequence: 2, frames: 2 }]);
  await receiver.repairs.find('the second packet', () => receiver.repairs.all.length === 2);
  const read = receiver.repairs.all.map((bytes) => {
    const answer = decodeRepairAnswer(bytes);
    if (answer?.streamId !== stream.id) return null;
    const verified = verifyAudioPacket(answer.packet, stream.id, readPublicKey(stream.key));
    return verified.ok ? verified.packet.sequence : null;
  });
  expect(read).toEqual([0, 3]);
  await session.end();
});
