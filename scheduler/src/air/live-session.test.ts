import { decodeAudioPacket, mediaTime, addMs } from '@loalang/shared';
import { generateSigningKey } from '@loalang/shared/signing';
import { expect, test } from 'vitest';
import { ManualClock } from '../time/index.ts';
import { Session, type EndReason } from './live-session.ts';

const FRAME = Uint8Array.of(0xf8, 0xff, 0xfe);

function open(timeBoxMs = 60_000) {
  const clock = new ManualClock(mediaTime(1_700_000_000_000_000));
  const sent: Uint8Array[] = [];
  const ends: { reason: EndReason; heardUntil: number }[] = [];
  const endsAt = addMs(clock.now(), timeBoxMs);
  const session = new Session({
    broadcastId: 'ab'.repeat(16),
    latencyMs: 1_000,
    endsAt,
    expiresAt: addMs(endsAt, 1_000),
    deviceCount: 1,
    privateKey: generateSigningKey().privateKey,
    clock,
    encoder: null,
    send: (packet) => sent.push(packet) > 0,
    finish: async (reason, heardUntil) => {
      await Promise.resolve();
      ends.push({ reason, heardUntil });
    },
  });
  return { clock, sent, ends, session };
}

test('what comes faster than twice real time is dropped and counted', () => {
  const { clock, session } = open();
  session.pushFrames(Array.from({ length: 150 }, () => FRAME));
  expect(session.losses.tooFast).toBe(50);
  clock.advance(1_000);
  session.pushFrames(Array.from({ length: 150 }, () => FRAME));
  expect(session.losses.tooFast).toBe(100);
});

test('what is no 20 ms Opus frame is dropped and counted', () => {
  const { sent, session } = open();
  const sixtyMs = Uint8Array.of(0x18, 1, 2, 3);
  session.pushFrames([sixtyMs, new Uint8Array(1_276).fill(0xf8), new Uint8Array(0), FRAME, FRAME, FRAME]);
  expect(session.losses.malformed).toBe(3);
  expect(sent.map((bytes) => decodeAudioPacket(bytes)?.frames.length)).toEqual([3]);
});

test('an end is recorded once, whoever ends it, and late listeners still hear of it', async () => {
  const { ends, session } = open();
  const heard: string[] = [];
  session.onEnded((reason) => heard.push(`early ${reason}`));
  await Promise.all([session.end(), session.finish('stopped'), session.end()]);
  session.onEnded((reason) => heard.push(`late ${reason}`));
  expect(ends.map(({ reason }) => reason)).toEqual(['speaker']);
  expect(heard).toEqual(['early speaker', 'late speaker']);
});

test('a stop sends nothing more, not even what waits for its packet to fill', async () => {
  const { sent, session } = open();
  session.pushFrames([FRAME, FRAME]);
  await session.finish('stopped');
  session.pushFrames([FRAME, FRAME, FRAME]);
  expect(sent).toEqual([]);
});

test('nothing is sent for after the expiry, and the end on record is not after it either', async () => {
  const { clock, sent, ends, session } = open(100);
  clock.advance(150);
  session.pushFrames([FRAME, FRAME, FRAME]);
  await session.end();
  expect(sent).toEqual([]);
  expect(ends[0]?.heardUntil).toBe(1_700_000_001_100_000);
});
