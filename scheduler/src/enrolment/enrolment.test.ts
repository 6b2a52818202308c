import { eq, inArray } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JoinAnswer, NewDevice, Person } from '@loalang/shared';
import { generateSigningKey, keyId, signJws, type SigningKey } from '@loalang/shared/signing';
import { schema } from '../database/index.ts';
import type { Officer } from '../face.ts';
import { Centre } from '../testing/centre.ts';

const { devices, formerBoards, waitingBoards } = schema;
const centre = new Centre();
let officer: Officer;
let stranger: Officer;
let lastCode = 10_000_000;

beforeAll(async () => {
  await centre.start();
  officer = { person: await centre.person('lan', 'an-lac'), address: '10.0.0.1' };
  stranger = { person: await centre.person('hiep', 'mai-son'), address: '10.0.0.2' };
});
afterAll(() => centre.close());

/** A board with a code of its own. */
class Board {
  readonly key: SigningKey = generateSigningKey();
  code: string;

  constructor(code?: string) {
    lastCode += 1;
    this.code = code ?? String(lastCode);
  }

  async ask(receipt?: string): Promise<JoinAnswer> {
    const request = { code: this.code, key: this.key.public, model: 'bo mạch thử', serial: 'S-1' };
    const whole = receipt === undefined ? request : { ...request, receipt };
    return await centre.scheduler.enrolment.join(whole, '203.0.113.9');
  }
}

let lastNumber = 100;
function place(code: string, difference: Partial<NewDevice> = {}): NewDevice {
  lastNumber += 1;
  return { code, unitId: 'an-lac', number: lastNumber, name: 'Nhà văn hóa', ...difference };
}

async function admitted(): Promise<{ board: Board; id: string }> {
  const board = new Board();
  await board.ask();
  const { id } = await centre.scheduler.enrolment.add(officer, place(board.code));
  return { board, id };
}

/** Puts the end of a code's life a moment back. */
async function expire(code: string): Promise<void> {
  const expiresAt = centre.scheduler.clock.now() - 1;
  await centre.db.update(waitingBoards).set({ expiresAt }).where(eq(waitingBoards.code, code));
}

describe('a new board', () => {
  test('waits until an officer types its code, then has a place, a credential and its states', async () => {
    const { enrolment } = centre.scheduler;
    const board = new Board();
    expect(await board.ask()).toEqual({ state: 'waiting' });
    expect(await enrolment.find(officer, board.code)).toMatchObject({
      model: 'bo mạch thử',
      serial: 'S-1',
      address: '203.0.113.9',
    });
    expect(await board.ask()).toEqual({ state: 'waiting' });
    const { id } = await enrolment.add(officer, place(board.code));
    expect(await board.ask()).toMatchObject({ state: 'joined', deviceId: id });
    expect(await board.ask()).toMatchObject({ state: 'joined', deviceId: id });
    const [row] = await centre.db.select().from(devices).where(eq(devices.id, id));
    expect(row).toMatchObject({ publicKey: board.key.public, serial: 'S-1', planN: 1, nowN: 1 });
  });

  test('is not found by a code that nobody shows, that is too old, or that was used', async () => {
    const { enrolment } = centre.scheduler;
    const board = new Board();
    await board.ask();
    await expect(enrolment.find(officer, '99999999')).rejects.toMatchObject({ code: 'CODE_UNKNOWN' });
    await expire(board.code);
    await expect(enrolment.find(officer, board.code)).rejects.toMatchObject({ code: 'CODE_EXPIRED' });
    await expect(enrolment.add(officer, place(board.code))).rejects.toMatchObject({ code: 'CODE_EXPIRED' });
    const { board: member } = await admitted();
    await expect(enrolment.add(officer, place(member.code))).rejects.toMatchObject({ code: 'CODE_USED' });
  });

  test('makes a new code where its own is too old', async () => {
    const board = new Board();
    await board.ask();
    await expire(board.code);
    expect(await board.ask()).toEqual({ state: 'new-code' });
    const former = board.code;
    board.code = new Board().code;
    expect(await board.ask()).toEqual({ state: 'waiting' });
    expect(former).not.toBe(board.code);
  });

  test('does not get in by a code that another board shows too, nor does the other, nor a third', async () => {
    const { enrolment } = centre.scheduler;
    const honest = new Board();
    const copy = new Board(honest.code);
    await honest.ask();
    expect(await copy.ask()).toEqual({ state: 'new-code' });
    expect(await honest.ask()).toEqual({ state: 'new-code' });
    await expect(enrolment.find(officer, honest.code)).rejects.toMatchObject({ code: 'CODE_SHARED' });
    await expect(enrolment.add(officer, place(honest.code))).rejects.toMatchObject({ code: 'CODE_SHARED' });
    expect(await new Board(honest.code).ask()).toEqual({ state: 'new-code' });
  });

  test('keeps its code where the place that was chosen is none', async () => {
    const { enrolment } = centre.scheduler;
    const board = new Board();
    await board.ask();
    await expect(enrolment.add(officer, place(board.code, { number: 1 }))).rejects.toMatchObject({
      code: 'NUMBER_TAKEN',
      details: { number: 1, free: 3 },
    });
    await expect(enrolment.add(officer, place(board.code, { unitId: 'mai-son' }))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await enrolment.add(officer, place(board.code))).toMatchObject({});
  });

  test('gets one place, also where it was switched off and on and has shown two codes', async () => {
    const { enrolment } = centre.scheduler;
    const board = new Board();
    await board.ask();
    const former = board.code;
    board.code = new Board().code;
    await board.ask();
    const { id } = await enrolment.add(officer, place(former));
    await expect(enrolment.find(officer, board.code)).rejects.toMatchObject({ code: 'CODE_USED' });
    const { deviceId } = centre.receiver(0);
    await expect(enrolment.exchange(officer, deviceId, board.code)).rejects.toMatchObject({
      code: 'CODE_USED',
    });
    expect(await board.ask()).toMatchObject({ state: 'joined', deviceId: id });
  });

  test('goes to one of two officers who type its code at once', async () => {
    const { enrolment } = centre.scheduler;
    const board = new Board();
    await board.ask();
    const both = await Promise.allSettled([
      enrolment.add(officer, place(board.code)),
      enrolment.add(stranger, place(board.code, { unitId: 'mai-son' })),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const [refused] = both.filter((each) => each.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'CODE_USED' });
  });
});

test('boards that nobody knows cost bounded room, and the address with the most of them makes way', async () => {
  const now = centre.scheduler.clock.now();
  await centre.db.delete(waitingBoards);
  const fill = (address: string, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      code: new Board().code,
      key: 'k',
      model: 'm',
      address,
      state: 'waiting' as const,
      heardAt: now + index,
      expiresAt: now + 1e9,
    }));
  const countOf = async (address: string) =>
    await centre.db.$count(waitingBoards, eq(waitingBoards.address, address));
  const own = fill('203.0.113.9', 512);
  await centre.db.insert(waitingBoards).values(own);
  expect(await new Board().ask()).toEqual({ state: 'waiting' });
  expect(await countOf('203.0.113.9')).toBe(512);
  const left = await centre.db.select({ code: waitingBoards.code }).from(waitingBoards);
  expect(left).not.toContainEqual({ code: own[0]?.code });
  await centre.db.delete(waitingBoards).where(
    inArray(
      waitingBoards.code,
      own.slice(1, 13).map(({ code }) => code),
    ),
  );
  for (let index = 0; index < 7; index += 1) {
    await centre.db.insert(waitingBoards).values(fill(`198.51.100.${index}`, 512));
  }
  await centre.db.insert(waitingBoards).values(fill('192.0.2.1', 12));
  const board = new Board();
  expect(await board.ask()).toEqual({ state: 'waiting' });
  expect(await centre.db.$count(waitingBoards)).toBe(4_096);
  expect(await countOf('203.0.113.9')).toBe(501);
  expect(await board.ask()).toEqual({ state: 'waiting' });
  await centre.db.update(waitingBoards).set({ expiresAt: now - 31 * 60e6 });
  expect(await new Board().ask()).toEqual({ state: 'waiting' });
  expect(await centre.db.$count(waitingBoards)).toBe(1);
});

describe('a broken board', () => {
  test('is exchanged: id, place and states stay, its key is dead here and on the list', async () => {
    const { enrolment, fleet, clock } = centre.scheduler;
    const receiver = centre.receiver(0);
    const board = new Board();
    await board.ask();
    await expect(enrolment.exchange(stranger, receiver.deviceId, board.code)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const [before] = await centre.db.select().from(devices).where(eq(devices.id, receiver.deviceId));
    expect(await enrolment.exchange(officer, receiver.deviceId, board.code)).toEqual({
      id: receiver.deviceId,
    });
    const [after] = await centre.db.select().from(devices).where(eq(devices.id, receiver.deviceId));
    expect(after).toMatchObject({
      unitId: before?.unitId,
      number: before?.number,
      planJws: before?.planJws,
      publicKey: board.key.public,
      status: null,
    });
    expect(await board.ask()).toMatchObject({ state: 'joined', deviceId: receiver.deviceId });
    const token = await receiver.token('test-broker', clock.now());
    expect(await fleet.identify(receiver.credential, token)).toBeNull();
    const list = await receiver.revoked.find('a list with its key', ({ ids }) =>
      ids.includes(keyId(receiver.key.public)),
    );
    expect(list.ids).not.toContain(receiver.deviceId);
    // The old one comes back from the repair shop: it is told that it is over, and its word for it is kept.
    const answer = await enrolment.join({ code: '12121212', key: receiver.key.public, model: 'alt' });
    expect(answer.state).toBe('retired');
  });
});

test('a board in a place of the sample keeps out the one that the sample had for it', async () => {
  const { enrolment } = centre.scheduler;
  const { deviceId } = centre.receiver(0);
  const joinCode = 'DDDD5555';
  await centre.db.update(devices).set({ joinCode }).where(eq(devices.id, deviceId));
  const board = new Board();
  await board.ask();
  await enrolment.exchange(officer, deviceId, board.code);
  expect(await new Board(joinCode).ask()).toEqual({ state: 'waiting' });
  expect(await board.ask()).toMatchObject({ state: 'joined', deviceId });
});

describe('a receiver that leaves service', () => {
  test('signs that it forgets everything, and is shut out; its row and its number', async () => {
    const { enrolment } = centre.scheduler;
    const receiver = centre.receiver(1);
    const told = new Promise<void>((resolve) => centre.scheduler.onChange(resolve));
    await receiver.sendStatus(centre.scheduler.clock.now());
    await told;
    const leaving = enrolment.retire(officer.person, receiver.deviceId);
    const command = await receiver.commands.find('a wipe', ({ act }) => act.kind === 'wipe');
    expect(command.act).toEqual({ kind: 'wipe', key: receiver.key.public });
    const { key, deviceId: device } = receiver;
    const result = { type: 'command-result', device, id: command.id, outcome: 'done' };
    const receipt = await signJws(result, key);
    await enrolment.join({ code: '13131313', key: key.public, model: 'cũ', receipt });
    expect(await leaving).toEqual({ outcome: 'wiped' });
    await receiver.revoked.find('a list with its id', ({ ids }) => ids.includes(receiver.deviceId));
    const [former] = await centre.db
      .select()
      .from(formerBoards)
      .where(eq(formerBoards.deviceId, receiver.deviceId));
    expect(former).toMatchObject({ reason: 'retired', endedBy: officer.person.id });
    expect(former?.wipedAt).not.toBeNull();
    const today = await centre.scheduler.broadcasts.today(officer.person);
    expect(today.devices.map(({ id }) => id)).not.toContain(receiver.deviceId);
    await expect(enrolment.retire(officer.person, receiver.deviceId)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const board = new Board();
    await board.ask();
    await enrolment.add(officer, place(board.code, { number: 2 }));
  });

  test('is told so when it comes back later; only its own word for this counts', async () => {
    const { enrolment } = centre.scheduler;
    const { board, id } = await admitted();
    expect(await enrolment.retire(officer.person, id)).toEqual({ outcome: 'unreached' });
    expect(await board.ask()).toMatchObject({ state: 'retired' });
    const wipedAt = async () =>
      (await centre.db.select().from(formerBoards).where(eq(formerBoards.deviceId, id)))[0]?.wipedAt;
    const result = { type: 'command-result', device: id, outcome: 'done' };
    await board.ask(await signJws({ ...result, id: '0'.repeat(32) }, board.key));
    expect(await wipedAt()).toBeNull();
  });

  test('is nobody else’s to take out', async () => {
    const { enrolment } = centre.scheduler;
    await expect(enrolment.retire(stranger.person, centre.receiver(0).deviceId)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

test('a thousand wrong codes lock the entry of codes, and administrators see it', async () => {
  const { enrolment, broadcasts } = centre.scheduler;
  const board = new Board();
  await board.ask();
  const guess = async (index: number): Promise<unknown> => {
    const person: Person = { ...officer.person, id: `guesser ${index % 100}` };
    const by = { person, address: `192.0.2.${index % 50}` };
    return await enrolment.find(by, '99999998').catch((error: unknown) => error);
  };
  // One was wrong above.
  for (let index = 0; index < 999; index += 1) {
    expect(await guess(index)).toMatchObject({ code: 'CODE_UNKNOWN' });
  }
  await expect(enrolment.find(officer, board.code)).rejects.toMatchObject({
    code: 'CODES_LOCKED',
    details: { minutes: 60 },
  });
  expect((await broadcasts.today(officer.person)).codesLockedUntil).not.toBeNull();
});
