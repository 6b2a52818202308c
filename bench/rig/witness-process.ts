// See witness.ts. Ends, with 1, as soon as either connection does.
import { addMs, encodeAudioPacket, fromUnixMs, REVOKED_TOPIC, streamTopic } from '@loalang/shared';
import mqtt, { type MqttClient } from 'mqtt';
import { z } from 'zod';
import { WITNESS_STREAM } from './witness.ts';

/** A live stream: 3 frames of 20 ms a packet. */
const PACKET_MS = 60;
const FRAMES = 3;
const FRAME_BYTES = 60;
const LATENCY_MS = 10_000;
const KEEPALIVE_S = 60;

const loginSchema = z.object({ id: z.string(), credential: z.string(), token: z.string() });
const taskSchema = z.object({
  port: z.number(),
  revoked: z.string(),
  platform: loginSchema,
  device: loginSchema,
});

const task = taskSchema.parse(JSON.parse(process.env['WITNESS'] ?? 'null'));
const topic = streamTopic(WITNESS_STREAM);
/** When each packet that has not come yet was sent, by its sequence number. */
const underWay = new Map<number, number>();
let worstMs = 0;
let sequence = 0;

const platform = await signIn(task.platform);
await platform.publishAsync(REVOKED_TOPIC, task.revoked, { qos: 1, retain: true });
const device = await signIn(task.device);
await device.subscribeAsync(topic, { qos: 0 });
device.on('message', (_, payload) => hear(payload));
for (const client of [platform, device]) client.on('close', () => process.exit(1));
setInterval(send, PACKET_MS);
process.on('message', () => {
  process.send?.({ worstMs: takeWorst() });
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.send?.({ type: 'ready' });

async function signIn({ id, credential, token }: z.infer<typeof loginSchema>): Promise<MqttClient> {
  const url = `mqtt://127.0.0.1:${task.port}`;
  return mqtt.connectAsync(url, {
    clientId: id,
    username: credential,
    password: token,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: 0,
  });
}

function send(): void {
  const mediaTime = addMs(fromUnixMs(Date.now()), LATENCY_MS);
  const frames = Array.from({ length: FRAMES }, () => new Uint8Array(FRAME_BYTES));
  underWay.set(sequence, performance.now());
  platform.publish(topic, Buffer.from(encodeAudioPacket({ sequence, mediaTime, isLast: false, frames })));
  sequence += FRAMES;
}

function hear(payload: Buffer): void {
  if (payload.byteLength < 8) return;
  const number = payload.readUInt32BE(4);
  worstMs = Math.max(worstMs, lateness(number));
  underWay.delete(number);
}

/** Packets that have not come yet count with their age. */
function takeWorst(): number {
  const worst = Math.max(worstMs, ...[...underWay.keys()].map(lateness));
  worstMs = 0;
  return worst;
}

function lateness(number: number): number {
  return performance.now() - (underWay.get(number) ?? performance.now());
}
