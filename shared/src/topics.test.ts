import { describe, expect, test } from 'vitest';
import {
  channelRules,
  deviceChannels,
  deviceTopic,
  mayPublish,
  maySubscribe,
  parseTopic,
  REVOKED_TOPIC,
  streamTopic,
  type Identity,
} from './index.ts';

const own = 'd-abcdefghij';
const other = 'd-zzzzzzzzzz';
const streamId = '00112233445566778899aabbccddeeff';
const receiver: Identity = { id: own, role: 'device' };
const platform: Identity = { id: 'platform', role: 'platform' };
const time: Identity = { id: 'time', role: 'time' };

describe('topics', () => {
  test('are read as they are written', () => {
    for (const channel of deviceChannels) {
      expect(parseTopic(deviceTopic(own, channel))).toEqual({ kind: 'device', deviceId: own, channel });
    }
    expect(parseTopic(streamTopic(streamId))).toEqual({ kind: 'stream', streamId });
    expect(parseTopic(REVOKED_TOPIC)).toEqual({ kind: 'revoked' });
  });

  test.each([
    '',
    '/',
    '#',
    '+',
    '$SYS/x',
    'll/v1',
    'll/v1/dev/#',
    `ll/v1/dev/${own}`,
    `ll/v1/dev/${own}/`,
    `ll/v1/dev/${own}/plan/`,
    `ll/v1/dev/${own}/plan/x`,
    `ll/v1/dev/${own.toUpperCase()}/plan`,
    `ll/v2/dev/${own}/plan`,
    `/ll/v1/dev/${own}/plan`,
    'll/v1/dev/+/plan',
    'll/v1/stream/+',
    `ll/v1/stream/${streamId}/x`,
    `ll/v1/stream/${streamId.slice(1)}`,
    'll/v1/revoked/x',
  ])('that look like ours but are not are refused to everyone: %s', (topic) => {
    expect(parseTopic(topic)).toBeNull();
    for (const identity of [receiver, platform, time]) {
      expect(mayPublish(identity, topic, false)).toBe(false);
      expect(mayPublish(identity, topic, true)).toBe(false);
    }
    expect(maySubscribe(receiver, topic)).toBe(false);
  });
});

describe('rights on the channels of a receiver', () => {
  test.each(deviceChannels)(
    '%s: written by one side, read by the other, retained or not as the table says',
    (channel) => {
      const { from, isRetained } = channelRules[channel];
      const topic = deviceTopic(own, channel);
      const writer = from === 'device' ? receiver : platform;
      const reader = from === 'device' ? platform : receiver;
      expect(mayPublish(writer, topic, isRetained)).toBe(true);
      expect(mayPublish(writer, topic, !isRetained)).toBe(false);
      expect(mayPublish(reader, topic, isRetained)).toBe(false);
      expect(maySubscribe(receiver, topic)).toBe(from === 'platform');
      expect(maySubscribe(platform, deviceTopic('+', channel))).toBe(from === 'device');
      expect(maySubscribe(receiver, deviceTopic('+', channel))).toBe(false);
      expect(mayPublish(time, topic, isRetained)).toBe(channel === 'clock/res');
      expect(mayPublish(time, topic, !isRetained)).toBe(false);
      expect(maySubscribe(time, deviceTopic('+', channel))).toBe(channel === 'clock/req');
      expect(maySubscribe(time, topic)).toBe(false);
    },
  );

  test.each(deviceChannels)('%s of another receiver is closed', (channel) => {
    const topic = deviceTopic(other, channel);
    expect(mayPublish(receiver, topic, channelRules[channel].isRetained)).toBe(false);
    expect(maySubscribe(receiver, topic)).toBe(false);
  });
});

test('a stream is spoken by the platform alone, never retained, and heard by any receiver by its exact name', () => {
  const topic = streamTopic(streamId);
  expect(mayPublish(platform, topic, false)).toBe(true);
  expect(mayPublish(platform, topic, true)).toBe(false);
  expect(mayPublish(receiver, topic, false)).toBe(false);
  expect(mayPublish(time, topic, false)).toBe(false);
  expect(maySubscribe(time, topic)).toBe(false);
  expect(maySubscribe(receiver, topic)).toBe(true);
  expect(maySubscribe(receiver, 'll/v1/stream/+')).toBe(false);
});
