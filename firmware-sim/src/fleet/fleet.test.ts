import { addMs, type MediaTime, type PlanItem } from '@loalang/shared';
import { OggOpusWriter } from '@loalang/shared/ogg';
import { createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mild4g } from '../network/profile.ts';
import { readRecording, soundOf } from '../recording/read-recording.ts';
import { Fleet, type FleetOptions } from './fleet.ts';
import { PlatformStandIn } from './platform-stand-in.ts';
import type { SampleDevice } from './sample.ts';

const devices: readonly SampleDevice[] = [
  { unitId: 'yen-the', number: 1, name: 'UBND thị trấn', joinCode: 'AAAAAAAA' },
  { unitId: 'yen-the', number: 2, name: 'Nhà văn hóa', joinCode: 'BBBBBBBB' },
  { unitId: 'an-lac', number: 1, name: 'UBND xã', joinCode: 'CCCCCCCC' },
];
// On a busy machine it may take some bursts until one of them tells the time well enough.
vi.setConfig({ testTimeout: 90_000 });

let dataFolder = '';
let platform: PlatformStandIn;
let fleet: Fleet | null = null;

beforeEach(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), 'fleet-'));
  platform = new PlatformStandIn(devices);
  await platform.start();
});
afterEach(async () => {
  await fleet?.close();
  fleet = null;
  await platform.close();
  rmSync(dataFolder, { recursive: true, force: true });
});

function makeFleet(options: Partial<FleetOptions> = {}): Fleet {
  fleet = new Fleet({
    dataFolder,
    platformUrl: platform.platformUrl,
    brokerUrl: platform.brokerUrl,
    rootKey: platform.rootKey,
    devices,
    log: pino({ level: process.env['LOALANG_LOG_LEVEL'] ?? 'silent' }),
    recording: { segmentMs: 2000, keepSegments: 60, isSilenceKept: true },
    ...options,
  });
  return fleet;
}

async function startFleet(options: Partial<FleetOptions> = {}): Promise<Fleet> {
  const started = makeFleet(options);
  await started.start();
  return started;
}

const TONE_MS = 2000;

/** Two seconds of 1 kHz at half of full scale, as Ogg Opus. */
async function makeTone(): Promise<Buffer> {
  const encoder = await createOpusEncoder({ bitrate: 32_000, application: 'audio' });
  const writer = new OggOpusWriter();
  const pages: Uint8Array[] = [writer.head()];
  for (let frame = 0; frame < TONE_MS / 20; frame += 1) {
    const pcm = Int16Array.from(
      { length: FRAME_SAMPLES },
      (_, index) => 16_384 * Math.sin((2 * Math.PI * index) / 48),
    );
    const page = writer.add(encoder.encode(pcm));
    if (page !== null) pages.push(page);
  }
  pages.push(writer.finish());
  encoder.close();
  return Buffer.concat(pages);
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

/** What a recording holds around a planned tone: levels as root mean square, to a hundredth; on time is within 50 ms, as in step promises. */
async function describeTone(
  folder: string,
  startAt: MediaTime,
): Promise<{ levelBefore: number; levelDuring: number; isOnTime: boolean }> {
  const before = await soundOf(folder, addMs(startAt, -1000), 950);
  const during = await soundOf(folder, addMs(startAt, 50), TONE_MS - 100);
  const around = await soundOf(folder, addMs(startAt, -1000), 2000);
  return {
    levelBefore: rms(before),
    levelDuring: Number(rms(during).toFixed(2)),
    isOnTime: Math.abs(onsetMs(around) - 1000) < 50,
  };
}

/** When it becomes loud; infinity where it never does. */
function onsetMs(samples: Float32Array): number {
  const index = samples.findIndex((sample) => Math.abs(sample) > 0.2);
  return index < 0 ? Number.POSITIVE_INFINITY : index / 48;
}

function makeItem(startInMs: number): Omit<PlanItem, 'asset'> {
  return {
    broadcastId: '0123456789abcdef0123456789abcdef',
    title: 'Thử loa',
    priority: 'normal',
    startAt: addMs(platform.now(), startInMs),
    durationMs: TONE_MS,
  };
}

test('three receivers join over their networks, get in step and tell what their boards read', async () => {
  const { receivers } = await startFleet();
  expect(receivers.map(({ place, state }) => [place, state])).toEqual([
    ['yen-the-1', 'running'],
    ['yen-the-2', 'running'],
    ['an-lac-1', 'running'],
  ]);
  for (const { unitId, number } of devices) {
    const { clock, board } = await platform.statusOf(
      unitId,
      number,
      ({ clock: { state } }) => state === 'in-step',
    );
    expect(clock.uncertaintyUs).toBeLessThan(50_000);
    expect(board).toEqual(expect.objectContaining({ network: '4g', hasMains: true }));
  }
});

test('a planned tone is recorded at its time where it was planned and nowhere else, the network gone or not', async () => {
  const { receivers } = await startFleet();
  for (const { unitId, number } of devices) {
    await platform.sendNow(unitId, number);
    await platform.statusOf(unitId, number, ({ clock }) => clock.state === 'in-step');
  }
  const item = makeItem(4000);
  const audio = await makeTone();
  for (const unitId of ['yen-the', 'an-lac']) {
    await platform.plan(unitId, 1, item, audio);
    await platform.statusOf(unitId, 1, ({ cached }) => cached.includes(item.broadcastId));
  }
  receivers[2]?.network?.setOutage('stalled');
  const { board } = await platform.statusOf('yen-the', 1, ({ playing }) => playing !== null);
  expect(board.isAmplifierOn).toBe(true);
  await platform.statusOf('yen-the', 1, ({ playing }) => playing === null);
  await expect.poll(() => receivers[2]?.board.read().isAmplifierOn).toBe(false);
  await fleet?.close();
  const heard = await Promise.all(
    receivers.map(async ({ recordings }) => describeTone(recordings, item.startAt)),
  );
  const tone = { levelBefore: 0, levelDuring: 0.35, isOnTime: true };
  expect(heard).toEqual([tone, { levelBefore: 0, levelDuring: 0, isOnTime: false }, tone]);
});

test('a receiver that can not start does not hold back the others', async () => {
  writeFileSync(join(dataFolder, 'yen-the-2'), 'a file where a folder belongs');
  const started = await startFleet();
  expect(started.receivers.map(({ state }) => state)).toEqual(['running', 'failed', 'running']);
  await platform.statusOf('an-lac', 1, () => true);
});

test('a fault of the board reaches the platform', async () => {
  const { receivers } = makeFleet();
  receivers[2]?.board.setFaults({ isMainsLost: true });
  await fleet?.start();
  const { board, faults } = await platform.statusOf('an-lac', 1, () => true);
  expect(board.hasMains).toBe(false);
  expect(faults).toContain('mains-lost');
});

test('after a power cut a receiver comes back as the same one', async () => {
  const started = await startFleet({ network: mild4g });
  const { device, session } = await platform.statusOf('yen-the', 1, ({ clock }) => clock.state === 'in-step');
  const receiver = started.receiver('yen-the', 1);
  await receiver.powerCut();
  expect(receiver.state).toBe('off');
  await receiver.start();
  const back = await platform.statusOf('yen-the', 1, (status) => status.session !== session);
  expect(back.device).toBe(device);
});

test('recordings are kept short', async () => {
  const segmentMs = 200;
  const segment = segmentMs * 48;
  const started = await startFleet({ recording: { segmentMs, keepSegments: 3, isSilenceKept: true } });
  const folder = started.recordings('an-lac', 1);
  const held = async (): Promise<number> =>
    (await readRecording(folder)).reduce((sum, { samples }) => sum + samples.length, 0);
  // Samples reach the disk when their segment is whole: two whole ones and the one that grows are three.
  await expect.poll(held, { timeout: 10_000 }).toBeGreaterThanOrEqual(2 * segment);
  for (let look = 0; look < 50; look += 1) expect(await held()).toBeLessThanOrEqual(3 * segment);
});

test('closing twice is fine, and a fleet without a platform closes too', async () => {
  const started = makeFleet();
  await platform.close();
  await started.start();
  await Promise.all([started.close(), started.close()]);
  expect(started.receivers.map(({ state }) => state)).toEqual(['off', 'off', 'off']);
});
