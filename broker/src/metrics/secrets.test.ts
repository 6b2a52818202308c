import { once } from 'node:events';
import { deviceTopic } from '@loalang/shared';
import { generate } from 'mqtt-packet';
import { afterEach, expect, test } from 'vitest';
import { LogLines } from '../test-log.ts';
import { closed, connectPacket, deviceId, freshToken, TestVillage } from '../test-village.ts';
import { SparingLog } from './sparing-log.ts';

let village: TestVillage | null = null;

afterEach(async () => {
  await village?.close();
  village = null;
});

test('no credential and no token comes into a log line or a metric, wherever a client puts it', async () => {
  const log = new LogLines();
  village = await TestVillage.start({ log: log.logger });
  const platform = await village.platform();
  const holder = await village.authority.issue(deviceId(1), 'device');
  const token = await freshToken(holder);
  const foreign = await village.authority.issue(deviceId(2), 'device');
  const odd = [
    { clientId: token },
    { clientId: holder.credential },
    { username: token },
    { password: Buffer.from(holder.credential) },
    { will: { topic: token, payload: Buffer.from(token), qos: 1 as const, retain: true } },
    { username: foreign.credential },
  ];
  for (const difference of odd) {
    const socket = await village.open();
    socket.write(generate({ ...(await connectPacket(holder)), ...difference }));
    socket.resume();
    await once(socket, 'close');
  }
  for (const topic of [token, `ll/v1/${token}`, deviceTopic(deviceId(2), 'status')]) {
    const client = await village.connect(holder);
    const isClosed = closed(client);
    client.publish(topic, token);
    await isClosed;
  }
  await village.connect(holder);
  await platform.publishAsync(deviceTopic(deviceId(1), 'plan'), token, { qos: 1, retain: true });
  const said = log.lines.join('\n') + (await village.broker.metricsText());
  expect(log.lines.length).toBeGreaterThan(8);
  // Each is a JWS, whose parts are found one by one.
  const secrets = [token, holder.credential, foreign.credential].flatMap((jws) => jws.split('.'));
  expect(secrets.filter((part) => said.includes(part))).toEqual([]);
});

test('strangers can cause ten lines a second and no more', () => {
  let nowMs = 0;
  const log = new LogLines();
  const sparing = new SparingLog(log.logger, () => nowMs);
  for (let count = 0; count < 1_000; count += 1) sparing.warn({ count }, 'again');
  expect(log.lines).toHaveLength(100);
  nowMs = 1_000;
  for (let count = 0; count < 1_000; count += 1) sparing.info({ count }, 'again');
  expect(log.lines).toHaveLength(110);
});
