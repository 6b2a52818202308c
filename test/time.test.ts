// The platform's clock, as receivers see it, while what runs beside it is stopped and killed.
import { join } from 'node:path';
import { clockResponseSchema, deviceTopic, fromUnixMs, addMs, type MediaTime } from '@loalang/shared';
import { generateSigningKey, makeNonce, makeToken, signJws, TrustStore } from '@loalang/shared/signing';
import { LineFollower, readKeys, type PlatformKeys } from '@loalang/scheduler';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processOf, startSystem, type System } from './system.ts';

const ID = 'd-aaaaaaaaaa';
/** Three times as many are fewer than a receiver may ask at once. */
const EXCHANGES = 6;
const WITHIN_MS = 20_000;

let system: System;
let keys: PlatformKeys;
let receiver: MqttClient;

beforeAll(async () => {
  system = await startSystem();
  keys = await readKeys(join(system.data, 'keys'), now());
  receiver = await connectReceiver(/broker +(mqtt:\S+)/.exec(system.screen())?.[1] ?? '');
});
afterAll(async () => {
  await receiver?.endAsync(true);
  await system?.close();
});

const now = (): MediaTime => fromUnixMs(Date.now());
const monotonicUs = (): number => Number(process.hrtime.bigint() / 1000n);

/** A receiver of ours beside the simulated ones, with a credential as the platform would give it. */
async function connectReceiver(url: string): Promise<MqttClient> {
  const key = generateSigningKey();
  const { credential: by } = keys;
  const claims = { type: 'credential', id: ID, role: 'device', key: key.public, issuedAt: now() };
  const credential = await signJws({ ...claims, expiresAt: addMs(now(), 3_600_000) }, by.key, by.certificate);
  const client = await connectAsync(url, {
    clientId: ID,
    username: credential,
    password: await makeToken(key, { id: ID, audience: 'loalang', now: now() }),
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  await client.subscribeAsync(deviceTopic(ID, 'clock/res'));
  return client;
}

/** How far media time is ahead of the monotonic clock, by what may be known of one exchange: it lies in between. */
interface Bounds {
  readonly lowUs: number;
  readonly highUs: number;
}

async function exchange(): Promise<Bounds> {
  const nonce = makeNonce();
  const answered = new Promise<Bounds>((resolve, reject) => {
    const give = setTimeout(() => end(new Error('no answer')), WITHIN_MS);
    const take = (_topic: string, payload: Buffer): void => {
      const t4 = monotonicUs();
      const answer = readAnswer(payload);
      if (answer.nonce !== nonce) return;
      end(null);
      resolve({ lowUs: answer.t3 - t4, highUs: answer.t2 - answer.t1 });
    };
    const end = (error: Error | null): void => {
      clearTimeout(give);
      receiver.off('message', take);
      if (error !== null) reject(error);
    };
    receiver.on('message', take);
  });
  receiver.publish(deviceTopic(ID, 'clock/req'), JSON.stringify({ nonce, t1: monotonicUs() }));
  return await answered;
}

function readAnswer(payload: Buffer) {
  const claims = payload.toString('utf8').split('.')[1] ?? '';
  return clockResponseSchema.parse(JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')));
}

async function measure(): Promise<Bounds> {
  const all: Bounds[] = [];
  for (let count = 0; count < EXCHANGES; count += 1) all.push(await exchange());
  return {
    lowUs: Math.max(...all.map(({ lowUs }) => lowUs)),
    highUs: Math.min(...all.map(({ highUs }) => highUs)),
  };
}

/** The two can be the same line, to a millisecond. */
function expectSame(before: Bounds, after: Bounds): void {
  expect(after.lowUs).toBeLessThan(before.highUs + 1_000);
  expect(after.highUs).toBeGreaterThan(before.lowUs - 1_000);
}

test('a platform process that does nothing at all delays no answer', async () => {
  const before = await measure();
  const platform = processOf(system, 'web-console/server/main.ts');
  process.kill(platform, 'SIGSTOP');
  try {
    expectSame(before, await measure());
  } finally {
    process.kill(platform, 'SIGCONT');
  }
}, 60_000);

test('after kill -9 of the time service answers go on from the next one on the same line', async () => {
  const before = await measure();
  const follower = new LineFollower(system.data);
  const kept = follower.line();
  const killed = processOf(system, 'scheduler/src/time/main.ts');
  process.kill(killed, 'SIGKILL');
  await untilEpoch(follower, kept.epoch + 1);
  const after = await firstAnswer().then(measure);
  expectSame(before, after);
  const next = follower.line();
  const passedUs = next.monotonicUs - kept.monotonicUs;
  expect(Math.abs(next.mediaUs - kept.mediaUs - passedUs)).toBeLessThan(1_000 + passedUs * 100e-6);
}, 60_000);

async function untilEpoch(follower: LineFollower, epoch: number): Promise<void> {
  await expect.poll(() => follower.line().epoch, { timeout: WITHIN_MS }).toBe(epoch);
}

/** What is asked before the new service has signed in at the broker is not answered. */
async function firstAnswer(): Promise<void> {
  const asking = setInterval(() => {
    const request = JSON.stringify({ nonce: makeNonce(), t1: monotonicUs() });
    receiver.publish(deviceTopic(ID, 'clock/req'), request);
  }, 200);
  await new Promise<void>((resolve) => {
    receiver.once('message', () => resolve());
  });
  clearInterval(asking);
}

test('an answer is signed by the time key', async () => {
  const payload = new Promise<Buffer>((resolve) => {
    receiver.once('message', (_topic, body: Buffer) => resolve(body));
  });
  await exchange();
  const trust = new TrustStore(keys.rootPublic);
  expect(await trust.learn(keys.time.certificate)).toBeNull();
  const jws = (await payload).toString('utf8');
  const verified = await trust.verify(jws, { purpose: 'time', schema: clockResponseSchema, now: now() });
  expect(verified.ok).toBe(true);
}, 60_000);
