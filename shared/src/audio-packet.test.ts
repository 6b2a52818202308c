import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeAudioPacket,
  encodeAudioPacket,
  mediaTime,
  readPacketEnd,
  readPacketMediaTime,
  type AudioPacket,
} from './index.ts';
import { generateSigningKey, signAudioPacket, verifyAudioPacket } from './signing/index.ts';

const frame = fc.uint8Array({ minLength: 1, maxLength: 200 });
const anyPacket: fc.Arbitrary<AudioPacket> = fc.record({
  sequence: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  mediaTime: fc.maxSafeNat().map(mediaTime),
  isLast: fc.boolean(),
  frames: fc.array(frame, { minLength: 1, maxLength: 6 }),
});
const streamId = '00112233445566778899aabbccddeeff';
const example: AudioPacket = {
  sequence: 4_294_967_295,
  mediaTime: mediaTime(1_795_500_000_123_456),
  isLast: true,
  frames: [Uint8Array.of(1, 2, 3), Uint8Array.of(4)],
};

describe('the audio packet', () => {
  test('has the layout of the protocol, byte for byte', () => {
    const bytes = encodeAudioPacket(example);
    const header = Buffer.from(bytes.subarray(0, bytes.byteLength - 64)).toString('hex');
    expect(header).toBe('01010200ffffffff000660ff6bb39a400003000101020304');
    expect(bytes.byteLength).toBe(16 + 4 + 4 + 64);
  });

  test('comes back as it went in', () => {
    fc.assert(
      fc.property(anyPacket, (packet) => {
        const decoded = decodeAudioPacket(encodeAudioPacket(packet));
        expect(decoded).toMatchObject({
          sequence: packet.sequence,
          mediaTime: packet.mediaTime,
          isLast: packet.isLast,
          frames: packet.frames,
        });
      }),
    );
  });

  test('is read without copying its frames', () => {
    const bytes = encodeAudioPacket(example);
    expect(decodeAudioPacket(bytes)?.frames[0]?.buffer).toBe(bytes.buffer);
  });

  test('of any other length or form is refused, and nothing throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const decoded = decodeAudioPacket(bytes);
        if (decoded !== null) expect(encodeAudioPacket(decoded).byteLength).toBe(bytes.byteLength);
        readPacketEnd(bytes);
      }),
    );
    const whole = encodeAudioPacket(example);
    for (let length = 0; length < whole.byteLength; length += 1) {
      expect(decodeAudioPacket(whole.subarray(0, length))).toBeNull();
    }
  });

  test('says when it must be heard and when it can no longer be', () => {
    const bytes = encodeAudioPacket(example);
    expect(readPacketMediaTime(bytes)).toBe(example.mediaTime);
    expect(readPacketEnd(bytes)).toBe(example.mediaTime + 40_000);
  });

  test.each([
    { what: 'no frame', frames: [] },
    { what: 'seven frames', frames: Array.from({ length: 7 }, () => Uint8Array.of(1)) },
    { what: 'an empty frame', frames: [new Uint8Array(0)] },
    { what: 'a frame longer than Opus allows', frames: [new Uint8Array(1276)] },
  ])('can not be made of $what', ({ frames }) => {
    expect(() => encodeAudioPacket({ ...example, frames })).toThrow(RangeError);
  });
});

describe('the signature of an audio packet', () => {
  const key = generateSigningKey();

  test('holds for its stream', () => {
    const bytes = signAudioPacket(example, streamId, key.privateKey);
    expect(verifyAudioPacket(bytes, streamId, key.publicKey)).toMatchObject({ ok: true });
  });

  test('fails in another stream, under another key, and with any bit changed', () => {
    const bytes = signAudioPacket(example, streamId, key.privateKey);
    const refusedOutright = { ok: false };
    expect(verifyAudioPacket(bytes, streamId.replace('00', '01'), key.publicKey)).toMatchObject(
      refusedOutright,
    );
    expect(verifyAudioPacket(bytes, streamId, generateSigningKey().publicKey)).toMatchObject(refusedOutright);
    for (let bit = 0; bit < bytes.byteLength * 8; bit += 1) {
      const altered = Uint8Array.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyAudioPacket(altered, streamId, key.publicKey)).toMatchObject(refusedOutright);
    }
  });
});
