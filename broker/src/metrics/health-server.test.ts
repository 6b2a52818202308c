import { deviceTopic, REVOKED_TOPIC } from '@loalang/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deviceId, TestVillage } from '../test-village.ts';
import { HealthServer } from './health-server.ts';

let village: TestVillage;
let health: HealthServer;
let url: string;

beforeEach(async () => {
  village = await TestVillage.start();
  health = new HealthServer({ host: '127.0.0.1', port: 0 }, village.broker);
  url = `http://127.0.0.1:${await health.start()}`;
});
afterEach(async () => {
  await health.close();
  await village.close();
});

async function ask(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const answer = await fetch(`${url}${path}`, { method });
  return { status: answer.status, body: await answer.text() };
}

test('alive is not ready: receivers are let in once the platform has brought the list of revoked ids', async () => {
  expect([await ask('/health/live'), (await ask('/health/ready')).status]).toEqual([
    { status: 200, body: 'live\n' },
    503,
  ]);
  await village.platform();
  expect(await ask('/health/ready')).toEqual({ status: 200, body: 'ready\n' });
  await village.broker.close();
  expect([(await ask('/health/live')).status, (await ask('/health/ready')).status]).toEqual([200, 503]);
});

test('a list that is not believed makes nothing ready', async () => {
  const platform = await village.connect(await village.authority.issue('platform', 'platform'));
  platform.publish(REVOKED_TOPIC, 'no list', { qos: 1, retain: true });
  await new Promise<void>((resolve) => {
    platform.once('close', () => resolve());
  });
  expect((await ask('/health/ready')).status).toBe(503);
});

test('Prometheus finds what the broker counts and how its process is', async () => {
  await village.platform();
  const { status, body } = await ask('/metrics');
  expect(status).toBe(200);
  for (const line of [
    /^loalang_broker_sessions\{role="platform"\} 1$/m,
    /^loalang_broker_received_packets_total [1-9]/m,
    /^loalang_broker_event_loop_delay_seconds\{quantile="0.99"\} [\d.e-]+$/m,
    /^loalang_broker_memory_bytes\{kind="resident"\} [1-9]/m,
    /^loalang_broker_cpu_seconds_total [\d.]+$/m,
    /^loalang_broker_retained_messages 1$/m,
  ]) {
    expect(body).toMatch(line);
  }
  // Each name is told once: a second would void all of it.
  const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(names.length).toBe(new Set(names).size);
});

test('which receivers missed packets is told by their ids, outside the metrics', async () => {
  const answers = deviceTopic(deviceId(7), 'repair/res');
  const platform = await village.platform();
  const receiver = await village.device(7);
  await receiver.subscribeAsync(answers);
  await platform.publishAsync(answers, 'no packet that could be heard', { qos: 1 });
  const { status, body } = await ask('/drops');
  expect([status, JSON.parse(body)]).toEqual([200, { [deviceId(7)]: { expired: 1, overflow: 0 } }]);
  const metrics = (await ask('/metrics')).body;
  expect(metrics).toMatch(/^loalang_broker_stream_dropped_total\{reason="expired"\} 1$/m);
  expect(metrics).toMatch(/^loalang_broker_stream_dropped_receivers 1$/m);
  expect(metrics).toMatch(/^loalang_broker_writer\{writer="socket-write"\} [01]$/m);
  expect(metrics).not.toContain(deviceId(7));
});

test('there is nothing else', async () => {
  expect((await ask('/')).status).toBe(404);
  expect((await ask('/metrics', 'POST')).status).toBe(405);
});

test('a taken port is one clear error', async () => {
  const second = new HealthServer({ host: '127.0.0.1', port: Number(new URL(url).port) }, village.broker);
  await expect(second.start()).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    details: { variable: 'LOALANG_BROKER_METRICS_PORT' },
  });
  await second.close();
});
