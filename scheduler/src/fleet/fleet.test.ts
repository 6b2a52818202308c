import { addMs, todaySchema, type Device, type NewBroadcast, type Person } from '@loalang/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Centre } from '../testing/centre.ts';
import { healthyStatus } from '../testing/healthy-status.ts';
import * as repository from './device-repository.ts';

const centre = new Centre();
let anLac: Person;
let maiSon: Person;

beforeAll(async () => {
  await centre.start();
  anLac = await centre.person('an-lac', 'an-lac');
  maiSon = await centre.person('mai-son', 'mai-son');
});
afterAll(async () => await centre.close());

/** The receiver in the console, once it is as wanted: looked at after each change. */
async function shown(index: number, fits: (device: Device) => boolean): Promise<Device> {
  const { deviceId } = centre.receiver(index);
  return await new Promise<Device>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error('the receiver was never shown so')), 8_000);
    const look = async (): Promise<void> => {
      const { devices } = await centre.scheduler.broadcasts.today(anLac);
      const device = devices.find(({ id }) => id === deviceId);
      if (device === undefined || !fits(device)) return;
      clearTimeout(deadline);
      stop();
      resolve(device);
    };
    const stop = centre.scheduler.onChange(() => void look());
    void look();
  });
}

test('a receiver is shown as never seen, then as its signed status says', async () => {
  await shown(0, ({ state }) => state === 'never-seen');
  await centre.receiver(0).sendStatus(centre.scheduler.clock.now());
  const device = await shown(0, ({ state }) => state === 'ready');
  expect(device).toMatchObject({
    unitName: 'An Lạc',
    number: 1,
    network: '4g',
    signalBars: 3,
    volume: 100,
    temperatureC: 41,
    clock: { state: 'in-step', uncertaintyUs: 900 },
    refusedCount: 0,
  });
});

test('a recorded status, one of another receiver, and an unsigned one change nothing', async () => {
  const receiver = centre.receiver(0);
  const now = centre.scheduler.clock.now();
  const recorded = await receiver.sendStatus(now, { volume: 70 });
  await receiver.sendStatus(now, { volume: 80 });
  await receiver.publish('status', recorded);
  const foreign = await centre.receiver(1).sendStatus(now, { volume: 10 });
  await receiver.publish('status', foreign);
  await receiver.publish('status', '{"volume":5}');
  await receiver.sendStatus(now, { volume: 81, refused: { stale: 2, expired: 1 } });
  const device = await shown(0, ({ refusedCount }) => refusedCount === 3);
  expect(device.volume).toBe(81);
});

test('numbers that no receiver can have counted are refused, so that they break nobody else', async () => {
  const { air, broadcasts, clock } = centre.scheduler;
  const huge = Number.MAX_SAFE_INTEGER;
  const receiver = centre.receiver(0);
  const refused = { stale: huge, expired: huge };
  await receiver.sendStatus(clock.now(), { now: { epoch: 1, n: huge }, refused });
  const session = await air.goLive(anLac, {
    type: 'start',
    title: 'Tin',
    unitIds: ['an-lac'],
    codec: 'opus',
  });
  await session.end();
  expect(todaySchema.safeParse(await broadcasts.today(anLac)).success).toBe(true);
});

test('audio that a receiver reports as cached turns its square, and so does what it plays', async () => {
  const { broadcasts, clock } = centre.scheduler;
  const audioId = await centre.addAudio(anLac);
  const wanted: NewBroadcast = {
    audioId,
    title: 'Tin',
    unitIds: ['an-lac'],
    startAt: null,
    priority: 'normal',
  };
  const { id } = await broadcasts.sendFile(anLac, wanted);
  await centre
    .receiver(0)
    .sendStatus(clock.now(), { cached: [id], playing: { broadcastId: id, kind: 'item' } });
  await centre.receiver(1).sendStatus(clock.now(), { cached: [id] });
  const device = await shown(0, ({ state }) => state === 'playing');
  expect(device.playing).toEqual({ broadcastId: id, title: 'Tin' });
  await shown(1, ({ state }) => state === 'ready');
  const { cells, receipts } = await broadcasts.detail(anLac, id);
  expect(cells.map(({ state }) => state)).toEqual(['playing', 'cached']);
  expect(receipts.map(({ isCached }) => isCached)).toEqual([true, true]);
  await broadcasts.stopAll(anLac);
});

test('listening asks the receiver by a signed command and hands out what it brings, to its own people only', async () => {
  const { fleet, clock } = centre.scheduler;
  const receiver = centre.receiver(0);
  await receiver.sendStatus(clock.now());
  const answer = fleet.listen(anLac, receiver.deviceId, { from: null, durationMs: 3_000 });
  const command = await receiver.commands.find('the command', () => true);
  expect(command.act).toMatchObject({ kind: 'listen', durationMs: 3_000 });
  expect(command.expiresAt).toBeLessThanOrEqual(addMs(clock.now(), 8_000));
  const sound = Buffer.from('OggS and so on');
  expect(fleet.takeRecording(centre.receiver(1).deviceId, command.id, sound)).toBe(false);
  expect(fleet.takeRecording(receiver.deviceId, command.id, Buffer.from('not Ogg'))).toBe(false);
  expect(fleet.takeRecording(receiver.deviceId, command.id, sound)).toBe(true);
  expect(fleet.takeRecording(receiver.deviceId, command.id, sound)).toBe(false);
  const from = command.act.kind === 'listen' ? command.act.from : null;
  await expect(answer).resolves.toEqual({ id: command.id, from, durationMs: 3_000 });
  await expect(fleet.recording(anLac, command.id)).resolves.toEqual(sound);
  await expect(fleet.recording(maiSon, command.id)).resolves.toBeNull();
});

test('a receiver that can not send its sound, or is not there, is said to be so', async () => {
  const { fleet, clock } = centre.scheduler;
  const receiver = centre.receiver(1);
  const wanted = { from: null, durationMs: 1_000 };
  await expect(fleet.listen(maiSon, receiver.deviceId, wanted)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(fleet.listen(maiSon, centre.receiver(2).deviceId, wanted)).rejects.toMatchObject({
    code: 'DEVICE_OFFLINE',
  });
  await receiver.sendStatus(clock.now());
  const answer = fleet.listen(anLac, receiver.deviceId, wanted);
  const silent = expect(answer).rejects.toMatchObject({ code: 'DEVICE_SILENT' });
  const { id } = await receiver.commands.find('the command', () => true);
  await receiver.sendResult(id, 'failed');
  await silent;
});

test('an acoustic offset reaches the receiver in its signed plan, is shown, and can be taken back', async () => {
  const { fleet } = centre.scheduler;
  const receiver = centre.receiver(0);
  const offsetOf = async (ms: number) =>
    await receiver.plans.find(`a plan with ${ms} ms`, ({ acousticOffsetMs }) => acousticOffsetMs === ms);
  const before = await offsetOf(0);
  await expect(fleet.change(anLac, receiver.deviceId, { acousticOffsetMs: 291 })).resolves.toEqual({
    acousticOffsetMs: 291,
  });
  const plan = await offsetOf(291);
  expect(plan.revision.n).toBeGreaterThan(before.revision.n);
  await shown(0, ({ acousticOffsetMs }) => acousticOffsetMs === 291);
  await fleet.change(anLac, receiver.deviceId, { acousticOffsetMs: 0 });
  await shown(0, ({ acousticOffsetMs }) => acousticOffsetMs === 0);
});

test('nobody sets up a receiver of others, or one that is not there', async () => {
  const { fleet } = centre.scheduler;
  const settings = { acousticOffsetMs: 100 };
  for (const deviceId of [centre.receiver(0).deviceId, 'd-aaaaaaaaaa']) {
    await expect(fleet.change(maiSon, deviceId, settings)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
  await shown(0, ({ acousticOffsetMs }) => acousticOffsetMs === 0);
});

test('the last word of a board is not kept for the one that has taken its place meanwhile', async () => {
  const { db, scheduler } = centre;
  const { deviceId: id } = centre.receiver(2);
  const at = scheduler.clock.now();
  const before = await repository.findJoined(db, id);
  const status = healthyStatus({ device: id, session: 'S'.repeat(22), seq: 1, at });
  await repository.saveStatus(db, { id, publicKey: 'of the former board' }, status, at);
  expect(await repository.findJoined(db, id)).toEqual(before);
});
