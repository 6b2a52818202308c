import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadKeys, retireKeys } from '@loalang/scheduler';
import {
  addMs,
  deviceTopic,
  fromUnixMs,
  parseTopic,
  planSchema,
  statusSchema,
  TOPIC_ROOT,
  type MediaTime,
  type Plan,
  type Status,
} from '@loalang/shared';
import {
  generateSigningKey,
  keyPurposes,
  makeToken,
  readSigningKey,
  signJws,
  type KeyPurpose,
  type SigningKey,
} from '@loalang/shared/signing';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startSystem, type System } from './system.ts';

// The drill for a stolen server: every key is in a thief's hands, who owns the network as well and is signed in as the platform.

const keyFileSchema = z.object({ privateKey: z.string(), certificate: z.string() });
interface Signer {
  readonly key: SigningKey;
  readonly certificate: string;
}
const RECEIVERS = 20;
const DRILL_MS = 240_000;

let system: System;
let clients: MqttClient[];

beforeAll(async () => {
  clients = [];
  system = await startSystem();
}, DRILL_MS);

afterAll(async () => {
  for (const client of clients) client.end(true);
  await system.close();
});

const now = (): MediaTime => fromUnixMs(Date.now());

async function signerOf(purpose: KeyPurpose): Promise<Signer> {
  const text = await readFile(join(system.data, 'keys', `${purpose}.json`), 'utf8');
  const { privateKey, certificate } = keyFileSchema.parse(JSON.parse(text));
  return { key: readSigningKey(privateKey), certificate };
}

/** Signs in as a part of the platform, by a credential that this signer makes. */
async function signIn(id: string, signer: Signer): Promise<MqttClient> {
  const key = generateSigningKey();
  const issuedAt = now();
  const expiresAt = addMs(issuedAt, 3_600_000);
  const credential = { type: 'credential', id, role: 'platform', key: key.public, issuedAt, expiresAt };
  const client = await connectAsync(/broker\s+(mqtt\S+)/.exec(system.screen())?.[1] ?? '', {
    clientId: id,
    username: await signJws(credential, signer.key, signer.certificate),
    password: await makeToken(key, { id, audience: 'loalang', now: issuedAt }),
    reconnectPeriod: 0,
  });
  client.on('error', () => client.end(true));
  clients.push(client);
  return client;
}

/** Listens to what all receivers report, until it fits. */
async function statusesUntil(
  client: MqttClient,
  fits: (byDevice: ReadonlyMap<string, Status>) => boolean,
): Promise<ReadonlyMap<string, Status>> {
  const byDevice = new Map<string, Status>();
  const done = new Promise<void>((resolve, reject) => {
    client.on('close', () => reject(new Error('the connection to the broker is gone')));
    client.on('message', (topic, payload) => {
      const parsed = parseTopic(topic);
      if (parsed?.kind !== 'device' || parsed.channel !== 'status') return;
      byDevice.set(parsed.deviceId, statusSchema.parse(payloadOf(payload.toString())));
      if (fits(byDevice)) resolve();
    });
  });
  await client.subscribeAsync(`${TOPIC_ROOT}/dev/+/status`, { qos: 1 });
  await done;
  return byDevice;
}

function payloadOf(jws: string): unknown {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
}

/** A plan that silences the receiver, numbered as if it were the last for ever. */
function forgedPlan(device: string): Plan {
  return planSchema.parse({
    type: 'plan',
    device,
    revision: { epoch: 1, n: 2_000_000 },
    issuedAt: now(),
    policy: { utcOffsetMinutes: 420, quietHours: [] },
    acousticOffsetMs: 0,
    items: [],
  });
}

test(
  'all keys are stolen and used; retired, they are worth nothing within minutes, and nobody has to climb a pole',
  { timeout: DRILL_MS },
  async () => {
    const stolen = { plan: await signerOf('plan'), credential: await signerOf('credential') };
    const thief = await signIn('thief', stolen.credential);
    const before = await statusesUntil(thief, (all) => all.size === RECEIVERS);
    const [victim = ''] = before.keys();
    const forge = async (client: MqttClient): Promise<void> => {
      const jws = await signJws(forgedPlan(victim), stolen.plan.key, stolen.plan.certificate);
      await client.publishAsync(deviceTopic(victim, 'plan'), jws, { qos: 1, retain: true });
    };
    const isThrownOut = new Promise<void>((resolve) => thief.once('close', () => resolve()));
    const isForged = statusesUntil(thief, (all) => all.get(victim)?.plan?.n === 2_000_000);
    await forge(thief);
    await isForged;

    await retireKeys(join(system.data, 'keys'), keyPurposes, now());
    await isThrownOut;
    await expect(signIn('thief', stolen.credential)).rejects.toThrow();
    const watch = await signIn('watch', await signerOf('credential'));
    const isBack = ({ plan, now: held, clock }: Status): boolean =>
      plan?.n !== 2_000_000 && plan !== null && held !== null && clock.state === 'in-step';
    const after = await statusesUntil(
      watch,
      (all) => all.size === RECEIVERS && [...all.values()].every(isBack),
    );
    expect(after.size).toBe(RECEIVERS);

    await forge(watch);
    await statusesUntil(watch, (all) => (all.get(victim)?.refused['key-retired'] ?? 0) > 0);
    const { plan } = await loadKeys(join(system.data, 'keys'), now());
    expect(plan.key.kid).not.toBe(stolen.plan.key.kid);
  },
);
