// The real agent on a virtual board comes back from a power cut while nobody can be reached.
import { addMs, toUnixMs, type MediaTime, type PlanItem } from '@loalang/shared';
import { createOpusEncoder, FRAME_SAMPLES } from '@loalang/shared/opus';
import { OggOpusWriter } from '@loalang/shared/ogg';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { soundOf } from '../recording/read-recording.ts';
import { Fleet } from './fleet.ts';
import { PlatformStandIn } from './platform-stand-in.ts';
import type { Receiver } from './receiver.ts';

const device = { unitId: 'yen-the', number: 1, name: 'UBND thị trấn', joinCode: 'AAAAAAAA' };
const TONE_MS = 2_000;
/** Time enough for the cut and the start, on a busy machine too. */
const AHEAD_MS = 10_000;
vi.setConfig({ testTimeout: 90_000 });

let dataFolder = '';
let platform: PlatformStandIn;
let fleet: Fleet;
let receiver: Receiver;

beforeEach(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), 'power-cut-'));
  platform = new PlatformStandIn([device]);
  await platform.start();
  fleet = new Fleet({
    dataFolder,
    platformUrl: platform.platformUrl,
    brokerUrl: platform.brokerUrl,
    rootKey: platform.rootKey,
    devices: [device],
    log: pino({ level: process.env['LOALANG_LOG_LEVEL'] ?? 'silent' }),
    recording: { segmentMs: 1_000, keepSegments: 90, isSilenceKept: true },
  });
  await fleet.start();
  receiver = fleet.receiver('yen-the', 1);
});
afterEach(async () => {
  await fleet.close();
  await platform.close();
  rmSync(dataFolder, { recursive: true, force: true });
});

/** 1 kHz at half of full scale. */
async function makeTone(): Promise<Buffer> {
  const encoder = await createOpusEncoder({ bitrate: 32_000, application: 'audio' });
  const writer = new OggOpusWriter();
  const pages: Uint8Array[] = [writer.head()];
  const pcm = Int16Array.from(
    { length: FRAME_SAMPLES },
    (_, index) => 16_384 * Math.sin((2 * Math.PI * index) / 48),
  );
  for (let frame = 0; frame < TONE_MS / 20; frame += 1) {
    const page = writer.add(encoder.encode(pcm));
    if (page !== null) pages.push(page);
  }
  pages.push(writer.finish());
  encoder.close();
  return Buffer.concat(pages);
}

/** The receiver holds a planned tone and has kept its battery-backed clock; then the network goes, and the power. */
async function planAndCut(): Promise<MediaTime> {
  await platform.sendNow('yen-the', 1);
  await platform.statusOf('yen-the', 1, ({ clock }) => clock.state === 'in-step');
  const journal = join(dataFolder, 'yen-the-1', 'disk', 'journal');
  const hasKept = (): boolean =>
    existsSync(journal) && readFileSync(journal, 'latin1').includes('"since":{"media"');
  await expect.poll(hasKept, { timeout: 30_000 }).toBe(true);
  const item: Omit<PlanItem, 'asset'> = {
    broadcastId: '0123456789abcdef0123456789abcdef',
    title: 'Thử loa',
    priority: 'normal',
    startAt: addMs(platform.now(), AHEAD_MS),
    durationMs: TONE_MS,
  };
  await platform.plan('yen-the', 1, item, await makeTone());
  await platform.statusOf('yen-the', 1, ({ cached }) => cached.includes(item.broadcastId));
  receiver.network?.setOutage('stalled');
  await receiver.powerCut();
  await receiver.start();
  return item.startAt;
}

/** The sound around the tone once it is written: a second of it before. */
async function soundAround(startAt: MediaTime): Promise<Float32Array> {
  const isOver = (): boolean => platform.now() > addMs(startAt, TONE_MS + 3_000);
  await expect.poll(isOver, { timeout: 40_000, interval: 200 }).toBe(true);
  return soundOf(receiver.recordings, addMs(startAt, -1_000), TONE_MS + 2_000);
}

test('with a good battery-backed clock the planned tone sounds at its time', async () => {
  const startAt = await planAndCut();
  const heard = await soundAround(startAt);
  const onsetMs = heard.findIndex((sample) => Math.abs(sample) > 0.2) / 48;
  // What the kept pair and the reading at the start may be wrong by, each at the step of a second.
  expect(Math.abs(onsetMs - 1_000)).toBeLessThan(150);
  const during = heard.subarray(1_200 * 48, (TONE_MS + 800) * 48);
  const power = during.reduce((sum, sample) => sum + sample * sample, 0) / during.length;
  expect(Math.sqrt(power)).toBeCloseTo(0.35, 1);
});

test('with a dead battery it stays silent and knows why; once the platform is back it is well', async () => {
  receiver.board.setFaults({ isRtcBatteryDead: true });
  const startAt = await planAndCut();
  expect(receiver.board.rtc?.readMs()).toBeLessThan(1_000_000_000_000);
  const heard = await soundAround(startAt);
  expect(heard.every((sample) => sample === 0)).toBe(true);
  receiver.network?.setOutage('none');
  const { faults } = await platform.statusOf(
    'yen-the',
    1,
    ({ clock, at }) => clock.state === 'in-step' && (at ?? 0) > startAt,
  );
  expect(faults).toEqual(['rtc-failed']);
  const rtcErrorMs = (): number => Math.abs((receiver.board.rtc?.readMs() ?? 0) - toUnixMs(platform.now()));
  await expect.poll(rtcErrorMs, { timeout: 20_000 }).toBeLessThan(3_000);
});
