import {
  addMs,
  deviceTopic,
  encodeAudioPacket,
  encodeRepairAnswer,
  fromUnixMs,
  streamTopic,
  type MediaTime,
} from '@loalang/shared';
import type { MqttClient } from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { deviceId, PacketReader, TestClock, TestVillage, until } from '../test-village.ts';

/** Packets that a receiver asked for: dropped by the rule of the stream, though they go another way. */

const STREAM_ID = 'feedfacefeedfacefeedfacefeedface';
const TOPIC = streamTopic(STREAM_ID);
const RECEIVER = deviceId(7);
const ANSWERS = deviceTopic(RECEIVER, 'repair/res');
const PACKET_MS = 120;

let village: TestVillage;

afterEach(async () => {
  await village.close();
});

function packet(sequence: number, mediaTime: MediaTime): Buffer {
  const frames = Array.from({ length: 6 }, () => new Uint8Array(1275).fill(sequence));
  return Buffer.from(encodeAudioPacket({ sequence, mediaTime, isLast: false, frames }));
}

const answer = (sequence: number, mediaTime: MediaTime): Buffer =>
  Buffer.from(encodeRepairAnswer({ streamId: STREAM_ID, packet: packet(sequence, mediaTime) }));

// QoS 1, so that the broker's answer says that it is done with it.
const publish = async (platform: MqttClient, topic: string, payload: Buffer): Promise<unknown> =>
  platform.publishAsync(topic, payload, { qos: 1 });

test('what can no longer be heard is not sent', async () => {
  const clock = new TestClock();
  village = await TestVillage.start({ clock });
  const platform = await village.platform();
  const receiver = await village.device(7);
  await receiver.subscribeAsync(ANSWERS);
  const heard: number[] = [];
  receiver.on('message', (_, payload) => heard.push(payload.readUInt32BE(16 + 4)));
  const now = clock.now();
  await publish(platform, ANSWERS, answer(1, addMs(now, -PACKET_MS)));
  await publish(platform, ANSWERS, answer(2, addMs(now, 1 - PACKET_MS)));
  await publish(platform, ANSWERS, Buffer.from('no packet at all'));
  await publish(platform, ANSWERS, answer(3, now));
  await until(() => heard.length === 2);
  expect(heard).toEqual([2, 3]);
  expect(village.broker.snapshot().dropped).toEqual({ expired: 2, overflow: 0 });
});

test('where a connection is behind, answers do not stand in front of the stream; when it is not, they go again', async () => {
  village = await TestVillage.start();
  const platform = await village.platform();
  const holder = await village.authority.issue(RECEIVER, 'device');
  const frozen = await village.openFrozen(holder, [TOPIC, ANSWERS]);
  const inTime = addMs(fromUnixMs(Date.now()), 600_000);
  let published = 0;
  for (; village.broker.snapshot().queuedBytes < 50_000; published += 1) {
    await publish(platform, TOPIC, packet(published, inTime));
  }
  for (let count = 0; count < 500; count += 1) await publish(platform, ANSWERS, answer(count, inTime));
  expect(village.broker.snapshot()).toMatchObject({
    dropped: { expired: 0, overflow: 500 },
    droppedByClient: { [RECEIVER]: { expired: 0, overflow: 500 } },
    closedSlow: 0,
  });

  const reader = new PacketReader(frozen);
  const topics = (): string[] =>
    reader.packets.flatMap((each) => (each.cmd === 'publish' ? [each.topic] : []));
  frozen.resume();
  await until(() => topics().length === published);
  await publish(platform, ANSWERS, answer(0, inTime));
  await until(() => topics().length > published);
  expect(topics()).toEqual([...Array.from({ length: published }, () => TOPIC), ANSWERS]);
});
