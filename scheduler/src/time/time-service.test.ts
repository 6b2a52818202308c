import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceTopic, fromUnixMs } from '@loalang/shared';
import { makeNonce } from '@loalang/shared/signing';
import { connectAsync, type MqttClient } from 'mqtt';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadKeys } from '../keys/index.ts';
import { Mailbox } from '../testing/mailbox.ts';
import { PlainBroker } from '../testing/plain-broker.ts';
import { TimeService } from './index.ts';
import { mediaUsAt, type Line } from './line.ts';
import { lineFileOf, readLine } from './line-file.ts';

const ID = 'd-aaaaaaaaaa';
const broker = new PlainBroker();
const answers = new Mailbox<string>();
let folder: string;
let receiver: MqttClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'time-'));
  await broker.start();
  await loadKeys(join(folder, 'keys'), fromUnixMs(Date.now()));
  receiver = await connectAsync(broker.url, { reconnectPeriod: 0 });
  receiver.on('message', (_topic, payload) => answers.put(payload.toString('utf8')));
  await receiver.subscribeAsync(deviceTopic(ID, 'clock/res'));
});
afterAll(async () => {
  await receiver.endAsync(true);
  await broker.stop();
  await rm(folder, { recursive: true });
});

function makeService(): TimeService {
  const log = pino({ level: 'silent' });
  return new TimeService({ dataFolder: folder, broker: { url: broker.url, name: 'loalang' }, log });
}

function kept(): Line {
  const line = readLine(lineFileOf(folder));
  if (line === null) throw new Error('no line is kept');
  return line;
}

/** Asks until it is answered: a service that has just begun is not at the broker yet. */
async function ask(): Promise<void> {
  answers.all.length = 0;
  const asking = setInterval(() => {
    receiver.publish(deviceTopic(ID, 'clock/req'), JSON.stringify({ nonce: makeNonce(), t1: 1 }));
  }, 120);
  await answers.find('an answer', () => true);
  clearInterval(asking);
}

test('a second service waits for the end of the first, and goes on where that was', async () => {
  const [first, second] = [makeService(), makeService()];
  expect(await first.start()).toBe(true);
  await ask();
  let isLeading = false;
  const waiting = second.start().then((isIt) => (isLeading = isIt));
  await ask();
  expect(isLeading).toBe(false);
  const before = kept();
  await first.close();
  expect(await waiting).toBe(true);
  const after = kept();
  expect(after.epoch).toBe(before.epoch + 1);
  expect(Math.abs(after.mediaUs - mediaUsAt(before, after.monotonicUs))).toBeLessThan(100);
  await ask();
  await second.close();
});

test('a service that waits can be ended', async () => {
  const [first, second] = [makeService(), makeService()];
  await first.start();
  const waiting = second.start();
  await second.close();
  expect(await waiting).toBe(false);
  await first.close();
});
