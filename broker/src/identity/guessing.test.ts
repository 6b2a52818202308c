import { once } from 'node:events';
import type { Socket } from 'node:net';
import { generate } from 'mqtt-packet';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectPacket, deviceId, PacketReader, TestVillage, until, type Holder } from '../test-village.ts';

/** Over TCP, all of one address: that of this machine. */

const ID = deviceId(1);
const BAD_LOGIN = 4;
let village: TestVillage;
let receiver: Holder;

beforeEach(async () => {
  village = await TestVillage.start({ limits: { heldFailuresPerAddress: 4, signingIn: 4 } });
  await village.platform();
  receiver = await village.authority.issue(ID, 'device');
});
afterEach(async () => {
  await village.close();
});

async function say(password: string | null): Promise<Socket> {
  const socket = await village.open();
  const connect = await connectPacket(receiver);
  socket.write(generate(password === null ? connect : { ...connect, password: Buffer.from(password) }));
  return socket;
}

/** The CONNACK's code; null where the connection ends without one. */
async function answer(socket: Socket): Promise<number | null> {
  const connack = new PacketReader(socket).next('connack');
  const ended = once(socket, 'close').then(() => null);
  const packet = await Promise.race([connack, ended]);
  return packet?.cmd === 'connack' ? (packet.returnCode ?? null) : null;
}

const fails = async (): Promise<number | null> => answer(await say('a guess'));

test('failures wait for their answer, longer each time; a right sign-in never does', async () => {
  const latenessMs: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    const began = performance.now();
    expect(await fails()).toBe(BAD_LOGIN);
    latenessMs.push(performance.now() - began);
  }
  expect(latenessMs[3]).toBeGreaterThan(950);
  expect(latenessMs[4]).toBeGreaterThan(1_950);
  // While the next failure waits for 3 s.
  const order: string[] = [];
  const guess = answer(await say('a guess')).then(() => order.push('guess'));
  await until(() => village.broker.snapshot().heldFailures === 1);
  expect(await answer(await say(null))).toBe(0);
  order.push('right');
  await guess;
  expect(order).toEqual(['right', 'guess']);
});

test('however many fail and wait, they take no place of a real one', async () => {
  const guessAtOnce = async (count: number): Promise<(number | null)[]> => {
    const guesses = await Promise.all(Array.from({ length: count }, async () => say('a guess')));
    return Promise.all(guesses.map(answer));
  };
  const cut = (): number => village.broker.snapshot().limitsHit['guess-cut'] ?? 0;
  // From here on each waits for as long as any can.
  await guessAtOnce(10);
  const before = cut();
  const answers = guessAtOnce(12);
  await until(() => cut() === before + 8);
  expect(village.broker.snapshot().heldFailures).toBe(4);
  expect(await answer(await say(null))).toBe(0);
  expect((await answers).filter((code) => code === BAD_LOGIN)).toHaveLength(4);
  expect(village.broker.snapshot()).toMatchObject({ heldFailures: 0, sessions: { device: 1 } });
});

test('whoever comes before the list of revoked ids has made no mistake', async () => {
  await village.close();
  village = await TestVillage.start();
  receiver = await village.authority.issue(ID, 'device');
  for (let count = 0; count < 6; count += 1) expect(await answer(await say(null))).toBe(3);
  expect(village.broker.snapshot()).toMatchObject({ heldFailures: 0, refusedSignIns: { 'list-unknown': 6 } });
});
