import { expect, test } from 'vitest';
import { MAX_FRAMES_AHEAD, mediaTime, type LiveStream } from '@loalang/shared';
import { generateSigningKey, signAudioPacket } from '@loalang/shared/signing';
import { StreamGate } from './stream-gate.ts';

const key = generateSigningKey();
const id = 'ab'.repeat(16);
const stream: LiveStream = {
  id,
  title: '',
  priority: 'normal',
  startAt: mediaTime(0),
  latencyMs: 500,
  expiresAt: mediaTime(100e6),
  key: key.public,
};

function packet(sequence: number, at = 50e6): Uint8Array {
  const frames = [Uint8Array.of(0x78, 1, 2, 3)];
  return signAudioPacket({ sequence, mediaTime: mediaTime(at), isLast: false, frames }, id, key.privateKey);
}

function openGate(): StreamGate {
  const gate = new StreamGate();
  gate.announce([stream]);
  return gate;
}

const at = mediaTime(49e6);

test.each([
  ['an unannounced stream', 'not-announced', () => new StreamGate().admit(id, packet(0), at, 0)],
  ['a stream that is announced no more', 'not-announced', () => withdrawn().admit(id, packet(0), at, 0)],
  ['a receiver that has no signed time since boot', 'stale', () => openGate().admit(id, packet(0), null, 0)],
  [
    'a stream whose time box has closed',
    'expired',
    () => openGate().admit(id, packet(0), mediaTime(100e6), 0),
  ],
  ['a packet for after the time box', 'expired', () => openGate().admit(id, packet(0, 100e6), at, 0)],
])('%s: refused as %s', (_, reason, admit) => {
  expect(admit()).toEqual({ ok: false, reason });
});

function withdrawn(): StreamGate {
  const gate = openGate();
  gate.announce([]);
  return gate;
}

test('a packet is admitted once, also when its stream is announced again in between', () => {
  const gate = openGate();
  expect(gate.admit(id, packet(7), at, 0).ok).toBe(true);
  gate.announce([{ ...stream, title: 'again' }]);
  expect(gate.admit(id, packet(7), at, 0)).toEqual({ ok: false, reason: 'replayed' });
});

test('a flood is cut off without verifying it, and lets the stream go on a second later', () => {
  const gate = openGate();
  const results = Array.from({ length: MAX_FRAMES_AHEAD + 100 }, () =>
    gate.admit(id, Uint8Array.of(1), at, 0),
  );
  expect(results.filter((each) => !each.ok && each.reason === 'too-many')).toHaveLength(100);
  expect(gate.admit(id, packet(8), at, 1e6).ok).toBe(true);
});

test('only streams whose time box is open are followed', () => {
  const gate = openGate();
  expect(gate.current(at).map((each) => each.id)).toEqual([id]);
  expect(gate.current(mediaTime(100e6))).toEqual([]);
});

test('a packet that was asked for comes in once, and is no replay where it came by both ways', () => {
  const gate = openGate();
  const asked = (sequence: number): unknown =>
    gate.admitRepair({ streamId: id, packet: packet(sequence) }, at, 0);
  expect(asked(1)).toMatchObject({ ok: true, packet: { sequence: 1 } });
  expect(gate.admit(id, packet(1), at, 0)).toEqual({ ok: false, reason: null });
  expect(gate.admit(id, packet(1), at, 0)).toEqual({ ok: false, reason: 'replayed' });
  expect(asked(1)).toEqual({ ok: false, reason: 'replayed' });
  expect(gate.admit(id, packet(2), at, 0).ok).toBe(true);
  expect(asked(2)).toEqual({ ok: false, reason: null });
});

test('a flood of answers is bounded and takes nothing from the stream', () => {
  const gate = openGate();
  const answer = { streamId: id, packet: Uint8Array.of(1) };
  const results = Array.from({ length: MAX_FRAMES_AHEAD + 100 }, () => gate.admitRepair(answer, at, 0));
  expect(results.filter((result) => !result.ok && result.reason === 'too-many')).toHaveLength(100);
  expect(gate.admit(id, packet(1), at, 0).ok).toBe(true);
});
