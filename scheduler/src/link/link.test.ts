import { Socket } from 'node:net';
import { addMs, credentialSchema, type Person } from '@loalang/shared';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Centre } from '../testing/centre.ts';
import type { TestReceiver } from '../testing/test-receiver.ts';

const centre = new Centre();
let district: Person;

beforeAll(async () => {
  await centre.start();
  district = await centre.person('huyen', 'district');
});
afterAll(async () => await centre.close());

async function send(unitIds: string[]): Promise<string> {
  const { broadcasts, clock } = centre.scheduler;
  const audioId = await centre.addAudio(district);
  const startAt = addMs(clock.now(), 3_600_000);
  const wanted = { audioId, title: 'Thông báo', unitIds, startAt, priority: 'normal' } as const;
  return (await broadcasts.sendFile(district, wanted)).id;
}

async function sawItem(receiver: TestReceiver, broadcastId: string): Promise<void> {
  await receiver.plans.find('the item', ({ items }) =>
    items.some((item) => item.broadcastId === broadcastId),
  );
}

test('the link is never cut by the end of its own credential while somebody speaks', () => {
  const claims = centre.broker.credentials.get('platform')?.split('.')[1] ?? '';
  const credential = credentialSchema.parse(JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')));
  expect(credential.expiresAt).toBeGreaterThan(addMs(centre.scheduler.clock.now(), 300 * 86_400_000));
});

test('what was planned without a broker goes out when the broker is there, also by another process', async () => {
  await Promise.all(centre.receivers.map(async (receiver) => await receiver.close()));
  await centre.broker.stop();
  const id = await send(['an-lac']);
  await centre.stopScheduler();
  await centre.startScheduler();
  await centre.broker.start();
  const receiver = centre.receiver(0);
  await receiver.connect(centre.broker.url);
  await sawItem(receiver, id);
});

test('a broker that has lost everything gets the list of revoked ids and all retained states again', async () => {
  const id = await send(['mai-son']);
  await centre.receiver(0).close();
  await centre.broker.stop();
  await centre.broker.start();
  const receiver = centre.receiver(2);
  receiver.plans.all.length = 0;
  receiver.nows.all.length = 0;
  await receiver.connect(centre.broker.url);
  await sawItem(receiver, id);
  await receiver.nows.find('the state', () => true);
  const revoked = await receiver.revoked.find('the list', () => true);
  expect(revoked).toMatchObject({ version: 1, ids: [] });
});

test('a revoked receiver is named in a list with a higher version, and is known no more', async () => {
  const { fleet, clock } = centre.scheduler;
  const receiver = centre.receiver(1);
  await fleet.revoke(receiver.deviceId);
  const list = await centre
    .receiver(2)
    .revoked.find('the list', ({ ids }) => ids.includes(receiver.deviceId));
  expect(list.version).toBe(2);
  const token = await receiver.token('test-broker', clock.now());
  await expect(fleet.identify(receiver.credential, token)).resolves.toBeNull();
});

test('a receiver that reports an older revision than it should hold gets its states again', async () => {
  const receiver = centre.receiver(2);
  const plan = receiver.plans.all.at(-1);
  receiver.plans.all.length = 0;
  await receiver.sendStatus(centre.scheduler.clock.now(), { plan: { epoch: 1, n: 1 } });
  const again = await receiver.plans.find('the plan again', () => true);
  expect(again).toEqual(plan);
});

test('no message waits for the acknowledgement of the one before', async () => {
  const spy = vi.spyOn(Socket.prototype, 'setNoDelay');
  await centre.stopScheduler();
  await centre.startScheduler();
  const port = Number(new URL(centre.broker.url).port);
  const isPrompt = (socket: unknown, call: number): boolean =>
    socket instanceof Socket && socket.remotePort === port && spy.mock.calls[call]?.[0] === true;
  await expect.poll(() => spy.mock.contexts.some(isPrompt)).toBe(true);
  spy.mockRestore();
});
