// A platform that goes on sending plans to receivers that don't take them.
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceId, freshToken } from '@loalang/broker/testing';
import { deviceTopic } from '@loalang/shared';
import mqtt from 'mqtt';
import type { BrokerProcess } from '../rig/broker-process.ts';

export const PLAN_BYTES = 20 * 1024;
/** Round about what 2,000 receivers are sent in 5 s after a restart. */
const PLANS_AT_ONCE = 20;
const EVERY_MS = 50;

/** Sends plans to receivers 0 to `count`, one after the other, until it is told to stop. */
export async function sendPlans(broker: BrokerProcess, count: number, signal: AbortSignal): Promise<number> {
  const holder = await broker.authority.issue('platform-2', 'platform');
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, {
    clientId: holder.id,
    username: holder.credential,
    password: await freshToken(holder),
    reconnectPeriod: 0,
  });
  const plan = Buffer.alloc(PLAN_BYTES, 'x');
  let sent = 0;
  while (!signal.aborted) {
    const topics = Array.from({ length: PLANS_AT_ONCE }, () => deviceTopic(deviceId(sent++ % count), 'plan'));
    await Promise.all(
      topics.map(async (topic) => client.publishAsync(topic, plan, { qos: 1, retain: true })),
    );
    await sleep(EVERY_MS);
  }
  await client.endAsync(true);
  return sent;
}
