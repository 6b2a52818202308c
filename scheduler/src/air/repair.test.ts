import { decodeRepairAnswer, deviceTopic, mediaTime } from '@loalang/shared';
import { expect, test } from 'vitest';
import { ManualClock } from '../time/index.ts';
import { Repair } from './repair.ts';

const streamId = 'ab'.repeat(16);
const [one, other] = ['d-abcdefghij', 'd-zyxwvutsrq'];
const PACKET_BYTES = 1_008;

/** A platform that has plenty to send again. */
function open({ packets = 100, isUp = true } = {}) {
  const clock = new ManualClock(mediaTime(1_700_000_000_000_000));
  const sent: { topic: string; bytes: Uint8Array }[] = [];
  const all = Array.from({ length: packets }, (_, index) => new Uint8Array(PACKET_BYTES).fill(index));
  const send = (topic: string, bytes: Uint8Array | string): boolean => {
    if (isUp && typeof bytes !== 'string') sent.push({ topic, bytes });
    return isUp;
  };
  const repair = new Repair({ history: { find: () => all }, clock, link: { send } });
  const ask = (deviceId = one, request: unknown = { streamId, missing: [{ sequence: 0, frames: 3 }] }) =>
    repair.take(deviceId, Buffer.from(JSON.stringify(request)));
  return { clock, sent, ask };
}

test('packets go to who asked, each in a message of its own with its stream', () => {
  const { sent, ask } = open({ packets: 2 });
  expect(ask()).toBe(2);
  expect(sent.map(({ topic }) => topic)).toEqual([
    deviceTopic(one, 'repair/res'),
    deviceTopic(one, 'repair/res'),
  ]);
  expect(sent.map(({ bytes }) => decodeRepairAnswer(bytes))).toEqual([
    { streamId, packet: new Uint8Array(PACKET_BYTES).fill(0) },
    { streamId, packet: new Uint8Array(PACKET_BYTES).fill(1) },
  ]);
});

test('one receiver gets 16 KiB at once and as much a second, however often it asks; another loses nothing by it', () => {
  const { clock, ask } = open();
  expect(ask()).toBe(16);
  expect(ask()).toBe(0);
  expect(ask(other)).toBe(16);
  clock.advance(500);
  expect(ask()).toBe(8);
});

test('questions beyond 16 a second stay unanswered', () => {
  const { clock, ask } = open({ packets: 1 });
  const answered = (): number => Array.from({ length: 100 }, () => ask()).filter((sent) => sent > 0).length;
  clock.advance(60_000);
  expect(answered()).toBe(16);
  clock.advance(500);
  expect(answered()).toBe(8);
});

test('all receivers together get 8 MiB at once', () => {
  const { ask } = open();
  const packets = Array.from({ length: 1_000 }, (_, index) => ask(`d-${index}`)).reduce((a, b) => a + b, 0);
  expect(packets).toBe((8 * 1024 * 1024) / (PACKET_BYTES + 16));
});

test.each([
  { what: 'no range', request: { streamId, missing: [] } },
  {
    what: 'too many ranges',
    request: { streamId, missing: Array.from({ length: 17 }, () => ({ sequence: 0, frames: 1 })) },
  },
  { what: 'a range of everything', request: { streamId, missing: [{ sequence: 0, frames: 501 }] } },
  { what: 'a number that is none', request: { streamId, missing: [{ sequence: 2 ** 32, frames: 1 }] } },
  { what: 'no stream', request: { streamId: '', missing: [{ sequence: 0, frames: 1 }] } },
  { what: 'something else', request: 7 },
])('a question with $what stays unanswered', ({ request }) => {
  expect(open().ask(one, request)).toBe(0);
});

test('without a link nothing is sent', () => {
  expect(open({ isUp: false }).ask()).toBe(0);
});
