import { fileURLToPath } from 'node:url';
import { deviceId, freshToken, TestVillage, type Holder } from '@loalang/broker/testing';
import { addMs, deviceTopic, encodeAudioPacket, fromUnixMs, streamTopic } from '@loalang/shared';
import type { MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ForeignClient } from './foreign-client.ts';

/** The broker with MQTT clients that we did not write, with real credentials: each token works once. */

const ID = deviceId(1);
const STATUS = deviceTopic(ID, 'status');
const PLAN = deviceTopic(ID, 'plan');
const STREAM = streamTopic('0123456789abcdef0123456789abcdef');
const FOREIGN_PLAN = deviceTopic(deviceId(2), 'plan');
const FOREIGN_STATUS = deviceTopic(deviceId(2), 'status');
const BAD_LOGIN = 4;

let village: TestVillage;
let platform: MqttClient;
let receiver: Holder;
let clients: ForeignClient[];

beforeEach(async () => {
  clients = [];
  village = await TestVillage.start();
  platform = await village.platform();
  receiver = await village.authority.issue(ID, 'device');
});
afterEach(async () => {
  for (const client of clients) client.kill();
  await village.close();
});

function run(command: string, args: readonly string[], debian: string): ForeignClient {
  const client = new ForeignClient(command, args, debian);
  clients.push(client);
  return client;
}

/** An audio packet that can be heard for minutes to come. */
function audioPacket(): Buffer {
  const mediaTime = addMs(fromUnixMs(Date.now()), 600_000);
  const frames = [Uint8Array.of(1, 2, 3)];
  return Buffer.from(encodeAudioPacket({ sequence: 7, mediaTime, isLast: false, frames }));
}

/** Hears the next status of anybody; wrapped, so that waiting for the subscription does not wait for the status too. */
async function listen(): Promise<{ status: Promise<string> }> {
  const status = new Promise<string>((resolve) => {
    platform.once('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`));
  });
  await platform.subscribeAsync(deviceTopic('+', 'status'), { qos: 1 });
  return { status };
}

/** Streams until somebody has heard it: when a foreign client's subscription counts it does not tell in time. */
async function streamUntil(packet: Buffer, heard: Promise<string>): Promise<string> {
  const timer = setInterval(() => platform.publish(STREAM, packet), 20);
  return heard.finally(() => clearInterval(timer));
}

describe('mosquitto_sub and mosquitto_pub', () => {
  async function login(holder = receiver, token?: string): Promise<string[]> {
    const password = token ?? (await freshToken(holder));
    const address = ['-h', '127.0.0.1', '-p', String(village.port), '-V', 'mqttv311'];
    return [...address, '-i', holder.id, '-u', holder.credential, '-P', password];
  }
  const sub = async (...args: string[]): Promise<ForeignClient> =>
    run('mosquitto_sub', [...(await login()), ...args], 'mosquitto-clients');
  const pub = async (...args: string[]): Promise<ForeignClient> =>
    run('mosquitto_pub', [...(await login()), ...args], 'mosquitto-clients');

  test('a receiver gets its retained plan', async () => {
    await platform.publishAsync(PLAN, 'the plan', { qos: 1, retain: true });
    const client = await sub('-t', PLAN, '-q', '1', '-C', '1', '-F', '%r %t %p');
    expect(await client.ended()).toBe(0);
    expect(client.lines).toEqual([`1 ${PLAN} the plan`]);
  });

  test('a receiver hears a stream, byte for byte', async () => {
    const client = await sub('-t', STREAM, '-q', '0', '-C', '1', '-F', 'heard %x');
    const packet = audioPacket();
    const heard = streamUntil(packet, client.says(/^heard/));
    expect(await heard).toBe(`heard ${packet.toString('hex')}`);
    expect(await client.ended()).toBe(0);
  });

  test('a receiver reports its status, acknowledged', async () => {
    const { status } = await listen();
    const client = await pub('-t', STATUS, '-q', '1', '-m', 'well');
    expect(await client.ended()).toBe(0);
    expect(await status).toBe(`${STATUS} well`);
  });

  test('what is not its own it gets neither to read nor to write', async () => {
    const reader = await sub('-t', FOREIGN_PLAN, '-q', '1', '-C', '1');
    await reader.says(/subscription.*denied/i);
    const writer = await pub('-t', FOREIGN_STATUS, '-q', '1', '-m', 'forged');
    expect(await writer.ended()).not.toBe(0);
    expect(village.broker.snapshot()).toMatchObject({
      refusedSubscriptions: 1,
      refusedPublishes: { 'not-allowed': 1 },
    });
  });

  test.each([
    ['a token that was used', async () => freshToken(receiver), { replayed: 1 }],
    ['a password', async () => Promise.resolve('secret'), { malformed: 1 }],
  ])('nobody gets in by %s', async (_, makePassword, refused) => {
    const password = await makePassword();
    if ('replayed' in refused) await village.connect(receiver, { password });
    const client = run(
      'mosquitto_sub',
      [...(await login(receiver, password)), '-t', PLAN],
      'mosquitto-clients',
    );
    expect(await client.ended()).not.toBe(0);
    expect(client.lines.join('\n')).toMatch(/bad user name or password/i);
    expect(village.broker.snapshot().refusedSignIns).toEqual(refused);
  });
});

describe('Eclipse Paho', () => {
  const script = fileURLToPath(new URL('paho_client.py', import.meta.url));

  async function paho(task: object, token?: string): Promise<ForeignClient> {
    const client = run('/usr/bin/python3', [script], 'python3-paho-mqtt');
    const { id, credential } = receiver;
    const password = token ?? (await freshToken(receiver));
    client.tell(JSON.stringify({ id, credential, token: password, port: village.port, ...task }));
    return client;
  }
  const event = async (client: ForeignClient, name: string): Promise<unknown> =>
    JSON.parse(await client.says(new RegExp(`"event": "${name}"`)));

  test('a receiver gets its retained plan, and a stream', async () => {
    await platform.publishAsync(PLAN, 'the plan', { qos: 1, retain: true });
    const client = await paho({ subscribe: [PLAN, STREAM] });
    expect(await event(client, 'message')).toMatchObject({
      topic: PLAN,
      payload: Buffer.from('the plan').toString('hex'),
      retain: true,
    });
    const packet = audioPacket();
    await streamUntil(packet, client.says(new RegExp(packet.toString('hex'))));
  });

  test('a receiver reports its status, acknowledged', async () => {
    const { status } = await listen();
    const client = await paho({ publish: [{ topic: STATUS, payload: 'well' }] });
    expect(await event(client, 'publish')).toEqual({ event: 'publish' });
    expect(await status).toBe(`${STATUS} well`);
  });

  test('what is not its own it gets neither to read nor to write', async () => {
    const reader = await paho({ subscribe: [FOREIGN_PLAN] });
    expect(await event(reader, 'subscribe')).toMatchObject({ granted: [128] });
    reader.kill();
    const writer = await paho({ publish: [{ topic: FOREIGN_STATUS, payload: 'forged' }] });
    expect(await event(writer, 'disconnect')).not.toMatchObject({ code: 0 });
    expect(village.broker.snapshot().refusedPublishes).toEqual({ 'not-allowed': 1 });
  });

  test('nobody gets in by a wrong token', async () => {
    const client = await paho({}, 'secret');
    expect(await event(client, 'connect')).toEqual({ event: 'connect', code: BAD_LOGIN });
  });
});
