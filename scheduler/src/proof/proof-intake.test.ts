import { sql } from 'drizzle-orm';
import { addMs, type NewBroadcast, type Person } from '@loalang/shared';
import { makeNonce } from '@loalang/shared/signing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schema } from '../database/index.ts';
import { Centre } from '../testing/centre.ts';

const centre = new Centre();
let district: Person;

beforeAll(async () => {
  await centre.start();
  district = await centre.person('huyen', 'district');
});
afterAll(async () => await centre.close());

async function send(): Promise<{ id: string; startAt: number }> {
  const audioId = await centre.addAudio(district);
  const wanted: NewBroadcast = {
    audioId,
    title: 'Tin',
    unitIds: ['an-lac', 'mai-son'],
    startAt: null,
    priority: 'normal',
  };
  return await centre.scheduler.broadcasts.sendFile(district, wanted);
}

async function stored(deviceId: string) {
  const rows = await centre.db.select().from(schema.proofs).orderBy(schema.proofs.seq, schema.proofs.chain);
  return rows.filter((row) => row.deviceId === deviceId);
}

test('a proof is acknowledged when it is committed and not before, and turns its square green', async () => {
  const { id } = await send();
  const receiver = centre.receiver(0);
  const proof = await receiver.makeProof(id);
  await centre.db.transaction(async (tx) => {
    await tx.execute(sql`lock table proofs in share mode`);
    await receiver.publish('proof', proof);
    // Whatever is answered on the way back comes after what an acknowledgement too early would have been.
    await receiver.publish('clock/req', JSON.stringify({ nonce: makeNonce(), t1: 0 }));
    await receiver.clockAnswers.find('an answer', () => true);
    expect(receiver.acks.all).toEqual([]);
  });
  const ack = await receiver.acks.find('the acknowledgement', () => true);
  expect(ack).toMatchObject({ type: 'proof-ack', chain: '00112233aabbccdd', seq: 1 });
  expect(await stored(receiver.deviceId)).toMatchObject([{ seq: 1, broadcastId: id, jws: proof }]);
  const { cells, receipts } = await centre.scheduler.broadcasts.detail(district, id);
  expect(cells.map(({ state }) => state)).toEqual(['played', 'waiting', 'waiting']);
  expect(receipts[0]).toMatchObject({ playedMs: 10_000, missedMs: 0, levelDbfs: -20, amplifierA: 1.5 });
});

test('a proof that comes again is acknowledged again and kept once', async () => {
  const { id } = await send();
  const receiver = centre.receiver(0);
  const proof = await receiver.makeProof(id);
  receiver.acks.all.length = 0;
  await receiver.publish('proof', proof);
  const first = await receiver.acks.find('the acknowledgement', ({ seq }) => seq === 2);
  receiver.acks.all.length = 0;
  await receiver.publish('proof', proof);
  await expect(receiver.acks.find('another', () => true)).resolves.toEqual(first);
  expect((await stored(receiver.deviceId)).filter(({ seq }) => seq === 2)).toHaveLength(1);
});

test('after a gap a proof is kept, and acknowledged only once the receiver has begun again at its oldest', async () => {
  const { id } = await send();
  const receiver = centre.receiver(1);
  const [first, second] = [await receiver.makeProof(id), await receiver.makeProof(id)];
  await receiver.publish('proof', second);
  await receiver.publish('proof', first);
  await receiver.acks.find('the first', ({ seq }) => seq === 1);
  expect(receiver.acks.all.map(({ seq }) => seq)).toEqual([1]);
  await receiver.publish('proof', second);
  await receiver.acks.find('the second', ({ seq }) => seq === 2);
  expect(await stored(receiver.deviceId)).toMatchObject([{ seq: 1 }, { seq: 2 }]);
});

test('of two proofs with one number both are kept, and the first goes on counting', async () => {
  const { id } = await send();
  const receiver = centre.receiver(2);
  const honest = await receiver.makeProof(id);
  await receiver.publish('proof', honest);
  await receiver.acks.find('the acknowledgement', () => true);
  const forked = await receiver.makeProof(id, {
    seq: 1,
    previous: '',
    frames: { played: 9, concealed: 0, missed: 9 },
  });
  receiver.acks.all.length = 0;
  await receiver.publish('proof', forked);
  await receiver.acks.find('the acknowledgement', () => true);
  expect((await stored(receiver.deviceId)).map(({ jws }) => jws)).toEqual([honest, forked]);
  const { receipts } = await centre.scheduler.broadcasts.detail(district, id);
  expect(receipts[2]).toMatchObject({ state: 'played', playedMs: 10_000, missedMs: 0 });
});

test('a proof that another receiver signed is neither kept nor acknowledged', async () => {
  const { id } = await send();
  const count = (await stored(centre.receiver(0).deviceId)).length;
  const foreign = await centre.receiver(1).makeProof(id, { device: centre.receiver(0).deviceId });
  await centre.receiver(0).publish('proof', foreign);
  const own = await centre.receiver(0).makeProof(id, { endedAt: addMs(centre.scheduler.clock.now(), 0) });
  centre.receiver(0).acks.all.length = 0;
  await centre.receiver(0).publish('proof', own);
  await centre.receiver(0).acks.find('the acknowledgement', () => true);
  expect(await stored(centre.receiver(0).deviceId)).toHaveLength(count + 1);
});
